# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Whether the module runs in check mode and then reports what it would report otherwise.
  diff_mode:
    description: Whether the module shows in diff mode what it changes.
  platform:
    description: The operating systems that the module looks at.
    platforms: posix
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - The module only looks and changes nothing, so check mode makes no difference.
  diff_mode:
    support: none
    details:
      - The module changes nothing, so there is no difference to show.
  platform:
    support: full
    details:
      - On Linux the module needs nothing but Python. Elsewhere it needs C(psutil).
"""
