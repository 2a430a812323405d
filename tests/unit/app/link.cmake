# SPDX-License-Identifier: GPL-2.0-only
target_link_libraries(vtepd_unit_app PRIVATE vtepd_registry vtepd_state vtepd_view)
