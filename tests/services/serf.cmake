# SPDX-License-Identifier: GPL-2.0-only
file(GLOB serf_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/serf_*.cpp)
add_executable(vtepd_services_serf ${serf_sources})
target_link_libraries(vtepd_services_serf PRIVATE
  vtepd_test_lab vtepd_serf vtepd::flags GTest::gmock Threads::Threads)
vtepd_gtest(vtepd_services_serf LABEL services PREFIX services/ TIMEOUT 120)
