# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What both roles share on the controller: variables, answers of hosts, files of reports.

Private: nothing outside this collection may use it.
"""
