"""What a shell is told of the command line: completions for it, and pages for `man`. Both are made from the parser."""
