"""Asking questions: replicate a scenario over seeds, fit it to what holds today, keep the answer in a folder, show it."""
