// What stands behind a Tensor: data, a number, a placeholder, or an operator on other records.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "intarsia/intarsia.h"
#include "ops/op_def.h"

namespace intarsia::frontend {

class Record {
 public:
  enum class Kind : std::uint8_t {
    kData,         // value is there from the start
    kNumber,       // given at the call: `bits` of the dtype
    kPlaceholder,  // argument number `bits` of a function that is compiled
    kNode,         // operator on inputs, until it was evaluated
  };
  struct Input {
    RecordRef record;
    std::uint32_t port = 0;
  };
  struct Output {
    ops::TensorType type;
    runtime::DeviceTensor value = {};  // guarded by the session's lock until `ready`
    std::atomic<bool> ready = false;
  };

  Record(Kind kind, std::uint32_t outputs)
      : kind(kind), num_outputs(outputs), more(outputs > 1 ? new Output[outputs - 1] : nullptr) {}
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;

  Output& output(std::uint32_t port) { return port == 0 ? first : more[port - 1]; }

  std::atomic<std::uint32_t> references{1};
  Kind kind;
  std::uint32_t num_outputs;
  Output first;
  std::unique_ptr<Output[]> more;
  std::uint64_t bits =
      0;  // kNode: what the functions of a plugin read when it was called (plugins::fingerprint)
  bool literal = false;  // kNumber: part of the structure, as an exponent is
  ops::OpRef op;
  std::vector<Input> inputs;   // guarded by the session's lock; dropped once every output is ready
  Attributes attributes;       // bound
  std::string attribute_text;  // of `attributes`, for structure keys; empty where there are none
  Caller caller;
  std::uint64_t visit = 0;  // guarded by the session's lock: which walk was here, and the place it gave
  std::uint32_t place = 0;
};

RecordRef make_record(Record::Kind kind, std::uint32_t outputs, const Caller& caller);

}  // namespace intarsia::frontend
