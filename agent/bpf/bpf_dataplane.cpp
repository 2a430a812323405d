// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/bpf_dataplane.h"

#include "bpf/abi_codec.h"
#include "bpf/attacher.h"
#include "bpf/datapath_skeleton.h"
#include "bpf/hooks.h"
#include "bpf/libbpf_output.h"
#include "bpf/segment_hooks.h"
#include "bpf/skeleton_loader.h"
#include "bpf/table_copy.h"
#include "bpf/table_writer.h"
#include "bpf/underlay_hooks.h"

#include <array>
#include <cstring>
#include <exception>
#include <map>
#include <utility>

#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

namespace vtepd {

namespace {

constexpr std::string_view kIdleName = "idle_in";

Result<Attacher::Kinds> make_hooks(const BpfDataplane::Options& options, const PinFolder& pins) {
  if (options.attach != "auto" && options.attach != "tcx" && options.attach != "clsact") {
    return fail(ErrorKind::Invalid,
                "attach \"" + options.attach + "\": must be \"auto\", \"tcx\" or \"clsact\"");
  }
  Attacher::Kinds kinds{make_tcx_hooks(pins.links()), make_clsact_hooks(pins.links(), options.port),
                        make_xdp_hooks(pins.links()), make_netkit_hooks(pins.links())};
  if (options.attach == "clsact" || (options.attach == "auto" && !options.features.tcx)) {
    std::swap(kinds.tc, kinds.other_tc);
  }
  return kinds;
}

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
// host's stack. Detached in reverse. The last one is for netkit devices alone, which let nothing
// out of the endpoint without it.
constexpr std::array<PortHook, 4> kPortHooks{{
    {"_eg", Direction::Egress, Place::Front, "vtep_ep_guard"},
    {"_in2", Direction::Ingress, Place::Second, "vtep_drop_all"},
    {"_in", Direction::Ingress, Place::Front, "vtep_from_ep"},
    {"_nk", Direction::Netkit, Place::Front, "vtep_from_nk"},
}};

Attachment port_attachment(const PortHook& hook, IfIndex ifindex, std::string_view name) {
  return {std::string(name) + hook.suffix, ifindex, hook.direction, hook.place};
}

}  // namespace

struct BpfDataplane::State {
  State(Options o, PinFolder p, LoadedDatapath d, Tables t, Attacher::Kinds kinds)
      : options(std::move(o)),
        pins(std::move(p)),
        loaded(std::move(d)),
        tables(std::move(t)),
        writer(tables, options.port),
        attacher(loaded.skeleton->obj, std::move(kinds)),
        underlay(attacher, tables, options.mode),
        segment(attacher, tables) {}

  Result<void> open_ring();
  // Fills a new set from the earlier one.
  Result<void> carry_over();
  static int take_sample(void* context, void* data, std::size_t size);

  Options options;
  PinFolder pins;
  LoadedDatapath loaded;
  Tables tables;
  TableWriter writer;
  Attacher attacher;
  UnderlayHooks underlay;
  SegmentHooks segment;
  bool carries_on = false;
  std::vector<Error> left_out;
  std::unique_ptr<ring_buffer, RingDeleter> ring;
  const std::function<void(const DataplaneEvent&)>* taker = nullptr;
  std::exception_ptr taker_failure;
  std::map<std::string, IfIndex, std::less<>> ports;
  std::string tunnel_gro;
  std::function<std::string()> tunnel_state = [] { return std::string(); };
};

Result<void> BpfDataplane::State::open_ring() {
  ring.reset(ring_buffer__new(loaded.events, take_sample, this, nullptr));
  return ring ? Result<void>() : fail_errno(errno, "open the ring buffer vtep_events");
}

Result<void> BpfDataplane::State::carry_over() {
  carries_on = loaded.adopted || !loaded.used;
  if (loaded.earlier.empty()) {
    return {};
  }
  const auto earlier = Tables::create(std::move(loaded.earlier));
  if (!earlier) {
    return {};  // a layout that is not ours: as if of another ABI
  }
  auto copied = copy_tables(*earlier, tables);
  if (!copied) {
    return fail(std::move(copied.error()));
  }
  left_out = std::move(*copied);
  carries_on = true;
  return {};
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
  auto kinds = make_hooks(options, *pins);
  if (!kinds) {
    return fail(std::move(kinds.error()));
  }
  auto state = std::make_unique<State>(std::move(options), std::move(*pins), std::move(*loaded),
                                       std::move(*tables), std::move(*kinds));
  if (auto carried = state->carry_over(); !carried) {
    return fail(std::move(carried.error()));
  }
  if (auto opened = state->open_ring(); !opened) {
    return fail(std::move(opened.error()));
  }
  return std::unique_ptr<BpfDataplane>(new BpfDataplane(std::move(state)));
}

Result<ForwardingState> BpfDataplane::read_back() {
  return state_->writer.read_back();
}

ApplyReport BpfDataplane::apply(const ForwardingDelta& delta) {
  return state_->writer.apply(delta);
}

Result<ForwardingDelta> BpfDataplane::missing(const ForwardingState& wanted) {
  return state_->writer.missing(wanted);
}

Result<void> BpfDataplane::attach_underlay(const UnderlayDevice& device) {
  return state_->underlay.attach(device);
}

Result<void> BpfDataplane::attach_idle(IfIndex device) {
  const auto done = state_->attacher.attach({std::string(kIdleName), device}, "vtep_drop_all");
  return done ? Result<void>() : fail(done.error());
}

Result<void> BpfDataplane::attach_segment_pair(IfIndex sending, IfIndex receiving) {
  return state_->segment.attach(sending, receiving);
}

Result<bool> BpfDataplane::use_segment_pair(IfIndex sending) {
  return state_->segment.use(sending);
}

Result<void> BpfDataplane::attach_port(IfIndex host_end, std::string_view name) {
  std::vector<Attachment> added;
  const bool netkit = is_netkit(host_end);
  for (const PortHook& hook : kPortHooks) {
    if (hook.direction == Direction::Netkit && !netkit) {
      continue;
    }
    const Attachment at = port_attachment(hook, host_end, name);
    const auto done = state_->attacher.attach(at, hook.program);
    if (done) {
      if (*done) {
        added.push_back(at);
      }
      continue;
    }
    // A port that worked before keeps its programs; a new one is left bare.
    for (auto it = added.rbegin(); it != added.rend(); ++it) {
      (void)state_->attacher.detach(*it);
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
    // Fails only for an interface that is gone, and its programs with it.
    (void)state_->attacher.detach(port_attachment(*hook, ifindex, name));
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
          .mode = state_->underlay.mode(),
          .reason = state_->options.reason + "; " + state_->underlay.mode() +
                    " mode: " + state_->underlay.reason(),
          .attach = std::string(state_->attacher.tc_kind()),
          .tunnel_gro = state_->tunnel_gro,
          .tunnel_state = state_->tunnel_state(),
          .checks = "programs"};
}

bool BpfDataplane::adopted() const {
  return state_->loaded.adopted;
}

bool BpfDataplane::carries_on() const {
  return state_->carries_on;
}

const std::vector<Error>& BpfDataplane::left_out() const {
  return state_->left_out;
}

Result<void> BpfDataplane::commit() {
  if (access(state_->pins.new_maps().c_str(), F_OK) == 0) {
    if (auto promoted = state_->pins.promote_new_maps(); !promoted) {
      return promoted;
    }
  }
  if (auto removed = state_->pins.remove_other_maps(); !removed) {
    return removed;
  }
  state_->carries_on = true;
  return state_->underlay.sweep();
}

Result<std::vector<std::string>> BpfDataplane::verify_attachments() {
  return state_->attacher.verify();
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

void BpfDataplane::set_tunnel_state(std::function<std::string()> describe) {
  state_->tunnel_state = std::move(describe);
}

int BpfDataplane::program_fd(std::string_view name) const {
  return state_->attacher.program_fd(name);
}

}  // namespace vtepd
