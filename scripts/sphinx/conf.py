# SPDX-License-Identifier: GPL-2.0-only
"""What scripts/docs adds to the tree's own Documentation/conf.py, which executes this file.

The environment has DOCS_PAGES: the documents to render, by their names below Documentation,
the first of which is the front page; and DOCS_VERSION, the kernel's.
"""

import os

# In C, what begins so is the project's, and a reference to it has to lead somewhere.
OURS = r"(_*dma_(buf|fence|resv|heap)|_*sync_|sw_sync|udmabuf|reservation_|DMA_|SYNC_|UDMABUF_)\w*"

project = "dma-buf"
version = release = os.environ["DOCS_VERSION"]
if globals()["html_theme"] == "alabaster":
    html_theme_options = {**globals()["html_theme_options"], "description": "Linux " + version,
                          "page_width": "74em", "body_max_width": "none"}   # for code
root_doc = master_doc = os.environ["DOCS_PAGES"].split()[0]
include_patterns = [name + ".rst" for name in os.environ["DOCS_PAGES"].split()]

# Looks for each page in every other language.
extensions = [name for name in globals()["extensions"] if name != "translations"]

nitpicky = True
# The rest of the kernel has its entries on pages that are not rendered here.
nitpick_ignore_regex = [(r"c:\w+", rf"(?!((struct|union|enum) )?{OURS}).*")]
