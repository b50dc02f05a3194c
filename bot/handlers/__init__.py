"""One file per thing people can do. Each has `router = Router("its-name")`; discovery does the rest."""
