// SPDX-License-Identifier: BSD-2-Clause
// The addon's entry: it does only what the npm package `bpf` cannot (open, load, reuse, attach, replace, pin, ring
// buffer, raw and netlink sockets, test_run). Types and meaning of every export: index.ts.
//
// Built without node-gyp, by one command:
//   g++ -std=c++17 -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Werror -Inode_modules/node-addon-api
//     -I/usr/include/node src/native/*.cc -o build/native/havip.node -lbpf
#include "support.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  havip::LibbpfLog::Install();
  havip::InitObject(env, exports);
  havip::InitAttach(env, exports);
  havip::InitInspect(env, exports);
  havip::InitProbe(env, exports);
  havip::InitRing(env, exports);
  havip::InitSocket(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(havip, Init)
