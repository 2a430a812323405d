// SPDX-License-Identifier: GPL-2.0-only
#include "unit/contract/kv_store_contract.h"

#include <array>
#include <csignal>
#include <map>

#include <sys/wait.h>

#include <fcntl.h>
#include <unistd.h>

namespace vtepd::test {

namespace {

constexpr const char* kChildMark = "--contract-child";

int hold_session(KvStore& store, const std::string& key) {
  auto session = store.create_session();
  if (!session) {
    return 1;
  }
  const auto put = store.put(key, "held", 0, session->get());
  if (!put || !*put || ::write(STDOUT_FILENO, "ready\n", 6) != 6) {
    return 1;
  }
  for (;;) {
    ::pause();
  }
}

}  // namespace

int run_contract_child(int argc, char** argv, const ChildOpener& opener) {
  if (argc != 6 || std::string(argv[1]) != kChildMark) {
    return -1;
  }
  const std::string part = argv[2];
  auto store = opener(argv[3]);
  if (part == "hold") {
    return hold_session(*store, argv[4]);
  }
  count_up(*store, argv[4], std::stoi(argv[5]));
  return testing::Test::HasFailure() ? 1 : 0;
}

Child::Child(const std::string& part, const std::string& address, const std::string& key,
             const std::string& argument) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return;
  }
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execl("/proc/self/exe", "child", kChildMark, part.c_str(), address.c_str(), key.c_str(),
            argument.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  output_ = ends[0];
}

Child::~Child() {
  if (pid_ > 0) {
    kill_now();
  }
  ::close(output_);
}

bool Child::wait_until_ready() {
  char byte = 0;
  return ::read(output_, &byte, 1) == 1;
}

void Child::kill_now() {
  ::kill(pid_, SIGKILL);
  static_cast<void>(wait());
}

int Child::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return status;
}

void count_up(KvStore& store, const std::string& key, int times) {
  for (int done = 0; done < times;) {
    const auto pair = store.get(key);
    ASSERT_TRUE(pair) << pair.error().what;
    const int number = *pair ? std::stoi((*pair)->value) : 0;
    const auto put = store.put(key, std::to_string(number + 1), *pair ? (*pair)->index : 0);
    ASSERT_TRUE(put) << put.error().what;
    done += *put ? 1 : 0;
  }
}

std::function<void(KvEvent)> Recorder::callback() {
  return [this](KvEvent event) {
    const std::lock_guard guard(mutex_);
    events_.push_back(std::move(event));
    changed_.notify_all();
  };
}

bool Recorder::wait_for(const std::function<bool(const std::vector<KvEvent>&)>& condition,
                        std::chrono::milliseconds patience) {
  std::unique_lock guard(mutex_);
  return changed_.wait_for(guard, patience, [&] { return condition(events_); });
}

std::vector<KvEvent> Recorder::events() {
  const std::lock_guard guard(mutex_);
  return events_;
}

std::vector<std::pair<std::string, std::string>> replay(const std::vector<KvEvent>& events) {
  std::map<std::string, std::string> state;
  for (const auto& event : events) {
    if (event.kind == KvEvent::Kind::Snapshot) {
      state.clear();
    }
    for (const auto& pair : event.pairs) {
      if (event.kind == KvEvent::Kind::Delete) {
        state.erase(pair.key);
      } else {
        state[pair.key] = pair.value;
      }
    }
  }
  return {state.begin(), state.end()};
}

}  // namespace vtepd::test
