"""The start page, and four small examples: `chain`, `resuming`, `asynchronous` and `nightly`."""
