"""What holds for all calls and cannot be said of one operation. Shown with the ledger."""

LIMITS = (
    "Permissions are stored and returned, but never enforced: every call, signed or not, may do everything.",
    "Signatures of requests are not verified; the access key only tells the account.",
    "Data is kept in memory and on this machine's disk, unencrypted, and is gone when the emulator ends.",
    "Quotas and rates of AWS are not applied, except those that docs name for Lambda, SQS, API Gateway, "
    "DynamoDB and Kinesis.",
    "Jobs and model servers share this machine: an instance type gives them neither its memory nor its "
    "processors, and spot instances are never interrupted.",
    "Of several subscription filters on one log group, a later one sees only what the earlier ones let pass.",
)
