"""What every training shares: seeds, identity, checkpoints, observers."""
