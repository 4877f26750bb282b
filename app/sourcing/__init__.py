"""Stage 1, sourcing: bring data in and say what it is.

ETL from streams and files to the canonical columns of a contract (aliases, units, types, duplicates), and the
metadata catalog: owner, lineage and profile of every data set. Never reads a production database.
"""
