// SPDX-License-Identifier: GPL-2.0-only
#include "ctl/exchange.h"
#include "ctl/offline.h"
#include "ctl/render.h"
#include "ctl/run.h"

#include <algorithm>
#include <ostream>

namespace vtepd::ctl {

namespace {

constexpr const char* kOfflineNote =
    "daemon is not running: showing what is in the kernel and the saved state\n";

template <typename Row>
void print(const Command& command, const std::vector<Row>& rows, std::ostream& out) {
  out << (command.json ? *indented_json(to_json(rows)) : render(rows));
}

template <typename Row>
void keep_network(const Command& command, std::vector<Row>& rows) {
  if (!command.network.empty()) {
    rows.erase(std::remove_if(rows.begin(), rows.end(),
                              [&](const Row& row) { return row.network != command.network; }),
               rows.end());
  }
}

void keep(const Command& command, std::vector<EndpointView>& rows) {
  keep_network(command, rows);
}

void keep(const Command& command, std::vector<FdbView>& rows) {
  keep_network(command, rows);
}

void keep(const Command& command, std::vector<NeighbourView>& rows) {
  keep_network(command, rows);
}

void keep(const Command&, std::vector<VtepView>&) {}

void keep(const Command& command, std::vector<DropView>& rows) {
  keep_network(command, rows);
  rows.erase(std::remove_if(rows.begin(), rows.end(),
                            [&](const DropView& row) {
                              return row.packets == 0 || (!command.all && row.kind == "forward");
                            }),
             rows.end());
}

template <typename Row>
int show_rows(const Command& command, const char* target,
              Result<std::vector<Row>> (Offline::*offline)() const, std::ostream& out,
              std::ostream& err) {
  std::vector<Row> rows;
  const auto answer =
      exchange<std::vector<Row>>(command.socket_path(), "GET", target, "", kPatience);
  if (answer) {
    rows = *answer;
  } else if (!answer.error().not_running) {
    return report(answer.error().error.what, err);
  } else {
    const auto pinned = (Offline(command).*offline)();
    if (!pinned) {
      return report(answer.error().error.what + "; " + pinned.error().what, err);
    }
    err << kOfflineNote;
    // Written and read, they are in the order in which the daemon's come.
    rows = *from_json<std::vector<Row>>(to_json(*pinned));
  }
  keep(command, rows);
  print(command, rows, out);
  return kOk;
}

// The store is needed for it, so there is nothing to show without a daemon.
int show_stale(const Command& command, std::ostream& out, std::ostream& err) {
  auto rows = exchange<std::vector<EndpointView>>(command.socket_path(), "GET",
                                                  "/v1/endpoints/stale", "", kPatience);
  if (!rows) {
    return report(rows.error().error.what, err);
  }
  keep(command, *rows);
  out << (command.json ? *indented_json(to_json(*rows)) : render_stale(*rows));
  return kOk;
}

int show_status(const Command& command, std::ostream& out, std::ostream& err) {
  StatusView status;
  const auto answer =
      exchange<StatusView>(command.socket_path(), "GET", "/v1/status", "", kPatience);
  if (answer) {
    status = *answer;
  } else if (answer.error().not_running) {
    err << kOfflineNote;
    status = Offline(command).status(answer.error().error.what);
  } else {
    // Neither well nor known to be gone: for who asks for health it is down.
    report(answer.error().error.what, err);
    return static_cast<int>(Health::Down);
  }
  out << (command.json ? *indented_json(to_json(status)) : render(status));
  return static_cast<int>(status.health);
}

}  // namespace

int show(const Command& command, std::ostream& out, std::ostream& err) {
  switch (command.action) {
    case Action::ShowFdb:
      return show_rows(command, "/v1/fdb", &Offline::fdb, out, err);
    case Action::ShowNeigh:
      return show_rows(command, "/v1/neigh", &Offline::neighbours, out, err);
    case Action::ShowVteps:
      return show_rows(command, "/v1/vteps", &Offline::vteps, out, err);
    case Action::ShowEndpoints:
      return command.stale ? show_stale(command, out, err)
                           : show_rows(command, "/v1/endpoints", &Offline::endpoints, out, err);
    case Action::ShowDrops:
      return show_rows(command, "/v1/drops", &Offline::drops, out, err);
    default:
      return show_status(command, out, err);
  }
}

}  // namespace vtepd::ctl
