# SPDX-License-Identifier: GPL-2.0-only
# Its own main(), because the contract tests start the program again as another process.
target_sources(vtepd_unit_filestore PRIVATE
  ${CMAKE_SOURCE_DIR}/tests/unit/contract/contract_support.cpp
  ${CMAKE_SOURCE_DIR}/tests/unit/contract/kv_store_contract.cpp)
target_link_libraries(vtepd_unit_filestore PRIVATE vtepd_base vtepd_core Threads::Threads)
