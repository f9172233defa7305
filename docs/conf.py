# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation site: the pages here, and the reference that antsibull-docs makes of plugins and role."""

from docutils import nodes

project = "preflight.ports"
copyright = "preflight.ports contributors"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
exclude_patterns = ["reference/environment_variables.rst"]  # there are none
highlight_language = "none"
myst_heading_anchors = 3

html_theme = "sphinx_ansible_theme"
html_title = project
html_copy_source = False
html_show_sphinx = False

ANSIBLE = "https://docs.ansible.com/ansible/latest/"
APPENDIX = {
    "action_plugins": "plugins/action.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def link_to_ansible(_app, _env, node, contents):
    """What the reference says of Ansible itself and of other collections, without asking the network."""
    target = node["reftarget"]
    page = target.replace(".", "/") + ".html" if target.startswith("ansible_collections.") else APPENDIX.get(target)
    if not page:
        return None
    link = ANSIBLE + page.replace("ansible_collections/", "collections/")
    return nodes.reference("", "", contents, internal=False, refuri=link)


def setup(app):
    app.connect("missing-reference", link_to_ansible)
