# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flows from host to host, on the controller: what to try, what came of it, and the words for it.

Private: nothing outside this collection may use it.
"""
