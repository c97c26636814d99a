#include "frontend/record.h"

namespace intarsia::frontend {
namespace {
bool drop(Record* record) { return record->references.fetch_sub(1, std::memory_order_acq_rel) == 1; }
}  // namespace

RecordRef::RecordRef(const RecordRef& other) noexcept : record_(other.record_) {
  if (record_) record_->references.fetch_add(1, std::memory_order_relaxed);
}

RecordRef::~RecordRef() {
  if (!record_ || !drop(record_)) return;
  if (record_->inputs.empty()) {
    delete record_;
    return;
  }
  std::vector<Record*> dead = {record_};  // a chain of a million records must not need a million frames
  while (!dead.empty()) {
    Record* record = dead.back();
    dead.pop_back();
    for (Record::Input& input : record->inputs) {
      Record* next = input.record.release();
      if (next && drop(next)) dead.push_back(next);
    }
    delete record;
  }
}

RecordRef make_record(Record::Kind kind, std::uint32_t outputs, const Caller& caller) {
  RecordRef record(new Record(kind, outputs));
  record->caller = caller;
  return record;
}

}  // namespace intarsia::frontend
