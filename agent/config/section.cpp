// SPDX-License-Identifier: GPL-2.0-only
#include "config/section.h"

#include "config/suggest.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace vtepd {

namespace {

std::string type_name(const Value& value) {
  switch (value.kind) {
    case Value::Kind::Table:
      return "a table";
    case Value::Kind::Array:
      return "an array";
    case Value::Kind::String:
      return "a string";
    case Value::Kind::Integer:
      return "an integer";
    case Value::Kind::Fraction:
      return "a number with a fraction";
    case Value::Kind::Boolean:
      return "true or false";
    case Value::Kind::Time:
      return "a date or time";
  }
  return "something else";
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

void Problems::add(Place place, std::string message) {
  problems_.push_back({place, std::move(message)});
}

std::string Problems::text() const {
  auto sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.place.line, a.place.column) < std::tie(b.place.line, b.place.column);
  });
  std::string text;
  for (const auto& problem : sorted) {
    text += (text.empty() ? "" : "\n") + file_ + ":" + std::to_string(problem.place.line) + ":" +
            std::to_string(problem.place.column) + ": " + problem.message;
  }
  return text;
}

Section::Section(const Value& document, std::string name, Problems& problems)
    : table_(&document), name_(std::move(name)), problems_(problems) {
  if (name_.empty()) {
    return;
  }
  table_ = document.get(name_);
  if (table_ != nullptr && table_->kind != Value::Kind::Table) {
    problems_.add(table_->place, "'" + name_ + "' must be a table, not " + type_name(*table_));
    table_ = nullptr;
  }
  if (table_ == nullptr) {
    table_ = &empty_;
  }
}

std::string Section::path(std::string_view key) const {
  return (name_.empty() ? "" : name_ + ".") + std::string(key);
}

const Value* Section::find(std::string_view key) {
  known_.emplace_back(key);
  return table_->get(key);
}

void Section::wrong_type(std::string_view key, const Value& value, std::string_view wanted) {
  problems_.add(value.place,
                path(key) + " must be " + std::string(wanted) + ", not " + type_name(value));
}

void Section::string(std::string_view key, std::string& target, const Check& check) {
  const Value* value = find(key);
  if (value == nullptr) {
    return;
  }
  if (value->kind != Value::Kind::String) {
    wrong_type(key, *value, "a string");
    return;
  }
  if (const auto complaint = check ? check(value->text) : std::nullopt) {
    problems_.add(value->place, path(key) + " is '" + value->text + "': " + *complaint);
    return;
  }
  target = value->text;
}

void Section::strings(std::string_view key, std::vector<std::string>& target, const Check& check) {
  const Value* value = find(key);
  if (value == nullptr) {
    return;
  }
  if (value->kind != Value::Kind::Array) {
    wrong_type(key, *value, "an array of strings");
    return;
  }
  if (value->items.empty()) {
    problems_.add(value->place, path(key) + " is empty: it must have one item at least");
  }
  std::vector<std::string> texts;
  for (const auto& item : value->items) {
    if (item.kind != Value::Kind::String) {
      wrong_type(key, item, "an array of strings");
      return;
    }
    if (const auto complaint = check ? check(item.text) : std::nullopt) {
      problems_.add(item.place, path(key) + " has '" + item.text + "': " + *complaint);
      return;
    }
    texts.push_back(item.text);
  }
  target = std::move(texts);
}

void Section::choice(std::string_view key, std::string& target,
                     const std::vector<std::string>& allowed,
                     const std::vector<std::string>& not_built) {
  string(key, target, [&](const std::string& value) -> std::optional<std::string> {
    if (contains(allowed, value)) {
      return std::nullopt;
    }
    const std::string wanted = "it must be " + list_of(allowed, "or");
    return contains(not_built, value) ? "this vtepd is built without it; " + wanted : wanted;
  });
}

std::optional<std::int64_t> Section::checked_integer(std::string_view key, std::int64_t lowest,
                                                     std::int64_t highest) {
  const Value* value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (value->kind != Value::Kind::Integer) {
    wrong_type(key, *value, "an integer");
    return std::nullopt;
  }
  if (value->number < lowest || value->number > highest) {
    problems_.add(value->place, path(key) + " is " + std::to_string(value->number) +
                                    ": it must be in " + std::to_string(lowest) + " ... " +
                                    std::to_string(highest));
    return std::nullopt;
  }
  return value->number;
}

void Section::tables(const std::vector<std::string>& names) {
  known_tables_ = names;
}

void Section::unknown(const Value::Member& member) {
  const bool is_table = name_.empty() && member.value.kind == Value::Kind::Table;
  const auto quoted = [&](const std::string& text) {
    return is_table ? "[" + text + "]" : "'" + text + "'";
  };
  std::string message =
      std::string("unknown ") + (is_table ? "table " : "key ") + quoted(member.key);
  if (!name_.empty()) {
    message += " in [" + name_ + "]";
  }
  const auto near = nearest(member.key, is_table ? known_tables_ : known_);
  if (!near.empty()) {
    message += "; did you mean " + quoted(near) + "?";
  } else {
    message += "; there are " + list_of(is_table ? known_tables_ : known_, "and");
  }
  problems_.add(member.place, message);
}

void Section::finish() {
  for (const auto& member : table_->members) {
    if (!contains(known_, member.key) && !contains(known_tables_, member.key)) {
      unknown(member);
    }
  }
}

void Section::complain(std::string_view key, const std::string& message) {
  const Value* value = table_->get(key);
  problems_.add(value != nullptr ? value->place : table_->place, message);
}

void Section::complain(const std::string& message) {
  problems_.add(table_->place, message);
}

}  // namespace vtepd
