# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether SELinux lets a domain bind a port: selinuxfs, the types of ports, and the kernel's rules for them.

Private: nothing outside this collection may use it.
"""
