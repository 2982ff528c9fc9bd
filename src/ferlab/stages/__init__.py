"""DVC stages: each reads files, calls plain functions, writes files."""
