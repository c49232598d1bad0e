"""Asking questions: replicate a scenario, fit it to what holds today, keep the answer in a folder, show it."""
