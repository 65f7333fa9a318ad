"""The contract: what a record is. Schema files in, types, validators and Arrow schemas out."""
