"""Who runs which lane, where and when: on PostgreSQL, workers that Procrastinate gives their jobs."""
