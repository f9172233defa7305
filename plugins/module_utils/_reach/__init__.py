# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From host to host: a client that tries flows, a responder that answers, a witness that sees what arrives.

Private: nothing outside this collection may use it.
"""
