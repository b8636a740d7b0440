"""What tables hold: values, storage, reading and writing, alone, in batches and in transactions."""
