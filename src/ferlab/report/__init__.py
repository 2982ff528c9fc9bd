"""The report: the paper's Table 1 and Figure 1 beside ours, rebuilt from the small files of one budget."""
