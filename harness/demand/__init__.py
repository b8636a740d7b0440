"""Reads a demand: a trace in CSV or Parquet, CloudWatch's metrics, or what a run consumed; by the minute, in UTC.

What is wrong names the file and the row; what is supposed instead of asked for is said in a trace's ``notes``.
"""
