"""EventBridge Scheduler, and the schedules of EventBridge rules."""
