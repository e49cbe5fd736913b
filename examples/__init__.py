"""Projects to begin with: `kinimmune init NAME --from EXAMPLE` copies one; each folder is one."""
