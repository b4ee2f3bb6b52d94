"""The pages of the site that are made from the code: commands, public names,
lessons, pictures, and the documents that lie outside docs/.

Nothing here imports mkdocs: `tools/site_hooks.py` gives the pages to it.
"""
