// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/bpf_dataplane.h"

#include "bpf/abi_codec.h"
#include "bpf/datapath_skeleton.h"
#include "bpf/hooks.h"
#include "bpf/libbpf_output.h"
#include "bpf/skeleton_loader.h"
#include "bpf/table_writer.h"

#include <array>
#include <cstring>
#include <exception>
#include <map>
#include <optional>
#include <utility>

#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

namespace vtepd {

namespace {

constexpr std::string_view kUnderlayName = "ul_in";
constexpr std::string_view kIdleName = "idle_in";

struct RingDeleter {
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

struct PortHook {
  const char* suffix;
  Direction direction;
  Place place;
  const char* program;
};

// In the order of attaching: what stops frames first, so that no moment lets one through to the
// host's stack. Detached in reverse.
constexpr std::array<PortHook, 3> kPortHooks{{
    {"_eg", Direction::Egress, Place::Front, "vtep_ep_guard"},
    {"_in2", Direction::Ingress, Place::Behind, "vtep_drop_all"},
    {"_in", Direction::Ingress, Place::Front, "vtep_from_ep"},
}};

Attachment port_attachment(const PortHook& hook, IfIndex ifindex, std::string_view name) {
  return {std::string(name) + hook.suffix, ifindex, hook.direction, hook.place};
}

std::uint32_t program_id(int fd) {
  bpf_prog_info info{};
  __u32 size = sizeof info;
  return bpf_prog_get_info_by_fd(fd, &info, &size) == 0 ? info.id : 0;
}

}  // namespace

struct BpfDataplane::State {
  struct Attached {
    Attachment at;
    int program = -1;
    std::uint32_t program_id = 0;
  };

  State(Options o, PinFolder p, LoadedDatapath d, Tables t)
      : options(std::move(o)),
        pins(std::move(p)),
        loaded(std::move(d)),
        tables(std::move(t)),
        writer(tables, options.port) {}

  Result<void> make_hooks();
  Result<void> open_ring();
  Result<bool> attach(const Attachment& at, std::string_view program);
  static int take_sample(void* context, void* data, std::size_t size);

  Options options;
  PinFolder pins;
  LoadedDatapath loaded;
  Tables tables;
  TableWriter writer;
  std::unique_ptr<Hooks> hooks;
  std::unique_ptr<Hooks> other_hooks;  // what an earlier run may have used instead
  std::unique_ptr<ring_buffer, RingDeleter> ring;
  const std::function<void(const DataplaneEvent&)>* taker = nullptr;
  std::exception_ptr taker_failure;
  std::map<std::string, Attached> attached;
  std::map<std::string, IfIndex, std::less<>> ports;
  std::string tunnel_gro;
};

Result<void> BpfDataplane::State::make_hooks() {
  auto tcx = make_tcx_hooks(pins.links());
  auto clsact = make_clsact_hooks(pins.links(), options.port);
  if (options.attach != "auto" && options.attach != "tcx" && options.attach != "clsact") {
    return fail(ErrorKind::Invalid,
                "attach \"" + options.attach + "\": must be \"auto\", \"tcx\" or \"clsact\"");
  }
  const bool use_tcx =
      options.attach == "tcx" || (options.attach == "auto" && options.features.tcx);
  hooks = use_tcx ? std::move(tcx) : std::move(clsact);
  other_hooks = use_tcx ? std::move(clsact) : std::move(tcx);
  return {};
}

Result<void> BpfDataplane::State::open_ring() {
  ring.reset(ring_buffer__new(loaded.events, take_sample, this, nullptr));
  return ring ? Result<void>() : fail_errno(errno, "open the ring buffer vtep_events");
}

Result<bool> BpfDataplane::State::attach(const Attachment& at, std::string_view program) {
  const bpf_program* found =
      bpf_object__find_program_by_name(loaded.skeleton->obj, std::string(program).c_str());
  if (found == nullptr) {
    return fail(ErrorKind::Internal, std::string(program) + ": not in the programs' object");
  }
  const int fd = bpf_program__fd(found);
  auto done = hooks->attach(at, fd);
  if (!done) {
    return done;
  }
  // Frames were never without a program: what was there by the other way goes only now.
  if (auto gone = other_hooks->detach(at); !gone) {
    return fail(std::move(gone.error()));
  }
  attached[at.name] = {at, fd, program_id(fd)};
  return done;
}

int BpfDataplane::State::take_sample(void* context, void* data, std::size_t size) {
  auto* self = static_cast<State*>(context);
  vtep_event event{};
  if (size < sizeof event || self->taker == nullptr || self->taker_failure) {
    return 0;
  }
  std::memcpy(&event, data, sizeof event);
  try {
    (*self->taker)(abi::decode(event));
  } catch (...) {  // must not unwind through libbpf
    self->taker_failure = std::current_exception();
  }
  return 0;
}

BpfDataplane::BpfDataplane(std::unique_ptr<State> state) : state_(std::move(state)) {}

BpfDataplane::~BpfDataplane() = default;

Result<std::unique_ptr<BpfDataplane>> BpfDataplane::open(Options options) {
  if (!options.vtep.is_v4() || options.vtep.is_unspecified() || options.port == 0) {
    return fail(ErrorKind::Invalid, "VTEP " + options.vtep.to_string() + " port " +
                                        std::to_string(options.port) +
                                        ": the BPF data path needs an IPv4 address and a port");
  }
  quiet_libbpf();
  auto pins = PinFolder::find(options.bpffs, options.instance);
  if (!pins) {
    return fail(std::move(pins.error()));
  }
  if (auto created = pins->create(); !created) {
    return fail(std::move(created.error()));
  }
  auto loaded = load_datapath(options, *pins);
  if (!loaded) {
    return fail(std::move(loaded.error()));
  }
  auto tables = Tables::create(std::move(loaded->tables));
  if (!tables) {
    return fail(std::move(tables.error()));
  }
  auto state = std::make_unique<State>(std::move(options), std::move(*pins), std::move(*loaded),
                                       std::move(*tables));
  for (const auto& done : {state->make_hooks(), state->open_ring()}) {
    if (!done) {
      return fail(done.error());
    }
  }
  return std::unique_ptr<BpfDataplane>(new BpfDataplane(std::move(state)));
}

Result<ForwardingState> BpfDataplane::read_back() {
  return state_->writer.read_back();
}

ApplyReport BpfDataplane::apply(const ForwardingDelta& delta) {
  return state_->writer.apply(delta);
}

Result<void> BpfDataplane::attach_underlay(IfIndex device) {
  const auto done = state_->attach({std::string(kUnderlayName), device}, "vtep_from_ul");
  return done ? Result<void>() : fail(done.error());
}

Result<void> BpfDataplane::attach_idle(IfIndex device) {
  const auto done = state_->attach({std::string(kIdleName), device}, "vtep_drop_all");
  return done ? Result<void>() : fail(done.error());
}

Result<void> BpfDataplane::attach_port(IfIndex host_end, std::string_view name) {
  std::vector<Attachment> added;
  for (const PortHook& hook : kPortHooks) {
    const Attachment at = port_attachment(hook, host_end, name);
    const auto done = state_->attach(at, hook.program);
    if (done) {
      if (*done) {
        added.push_back(at);
      }
      continue;
    }
    // A port that worked before keeps its programs; a new one is left bare.
    for (auto it = added.rbegin(); it != added.rend(); ++it) {
      (void)state_->hooks->detach(*it);
      state_->attached.erase(it->name);
    }
    return fail(done.error().context("port " + std::string(name)));
  }
  state_->ports.insert_or_assign(std::string(name), host_end);
  return {};
}

void BpfDataplane::detach_port(std::string_view name) {
  const auto known = state_->ports.find(name);
  // Of an earlier run: links are found by their name, filters need the interface.
  const IfIndex ifindex = known != state_->ports.end()
                              ? known->second
                              : IfIndex{if_nametoindex(std::string(name).c_str())};
  for (auto hook = kPortHooks.rbegin(); hook != kPortHooks.rend(); ++hook) {
    const Attachment at = port_attachment(*hook, ifindex, name);
    // Fails only for an interface that is gone, and its programs with it.
    (void)state_->hooks->detach(at);
    (void)state_->other_hooks->detach(at);
    state_->attached.erase(at.name);
  }
  if (known != state_->ports.end()) {
    state_->ports.erase(known);
  }
}

Result<std::vector<ReasonCount>> BpfDataplane::counters() {
  return read_counters(state_->tables);
}

std::vector<TableUsage> BpfDataplane::usage() {
  return state_->writer.usage();
}

DataplaneInfo BpfDataplane::info() const {
  return {.kind = "bpf",
          .mode = "tc",
          .reason = state_->options.reason,
          .attach = std::string(state_->hooks->kind()),
          .tunnel_gro = state_->tunnel_gro};
}

bool BpfDataplane::adopted() const {
  return state_->loaded.adopted;
}

Result<void> BpfDataplane::commit() {
  if (access(state_->pins.new_maps().c_str(), F_OK) == 0) {
    if (auto promoted = state_->pins.promote_new_maps(); !promoted) {
      return promoted;
    }
  } else if (auto removed = state_->pins.remove_other_maps(); !removed) {
    return removed;
  }
  const auto underlay = state_->attached.find(std::string(kUnderlayName));
  if (underlay == state_->attached.end()) {
    return {};
  }
  auto swept = state_->hooks->sweep(underlay->second.at);
  return swept ? state_->other_hooks->sweep(underlay->second.at) : swept;
}

Result<std::vector<std::string>> BpfDataplane::verify_attachments() {
  std::vector<std::string> problems;
  std::optional<Error> failure;
  for (const auto& [name, attached] : state_->attached) {
    const auto id = state_->hooks->attached(attached.at);
    const bool gone = interface_name(attached.at.ifindex).starts_with("interface ");
    if (gone || (id && *id == attached.program_id)) {
      continue;  // an interface that is gone is for the watcher of links to report
    }
    problems.push_back(
        name + " on " + interface_name(attached.at.ifindex) +
        (id && *id != 0 ? ": another program was in its place" : ": was detached or unpinned") +
        "; attached again");
    if (auto done = state_->hooks->attach(attached.at, attached.program); !done) {
      failure = std::move(done.error());
    }
  }
  if (failure) {
    return fail(std::move(*failure));
  }
  return problems;
}

int BpfDataplane::events_fd() const {
  return ring_buffer__epoll_fd(state_->ring.get());
}

void BpfDataplane::consume(const std::function<void(const DataplaneEvent&)>& take) {
  state_->taker = &take;
  ring_buffer__consume(state_->ring.get());
  state_->taker = nullptr;
  if (auto failure = std::exchange(state_->taker_failure, nullptr)) {
    std::rethrow_exception(failure);
  }
}

void BpfDataplane::set_tunnel_gro(std::string text) {
  state_->tunnel_gro = std::move(text);
}

int BpfDataplane::program_fd(std::string_view name) const {
  const bpf_program* found =
      bpf_object__find_program_by_name(state_->loaded.skeleton->obj, std::string(name).c_str());
  return found == nullptr ? -1 : bpf_program__fd(found);
}

}  // namespace vtepd
