// SPDX-License-Identifier: BSD-2-Clause
// The service as grpc-js wants it, derived from the generated class, so that a method is added in one place: the
// .proto file.
import type { MethodDefinition } from '@grpc/grpc-js';
import { havip } from './havip.gen.js';
import v1 = havip.v1;

/** What the generator hangs on each method of the service class. */
interface GeneratedMethod {
  readonly path: string;
  readonly requestType: string;
  readonly responseType: string;
  readonly requestStream: boolean | undefined;
  readonly responseStream: boolean | undefined;
}

/** A generated message class. */
interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

function method<Request, Response>(generated: GeneratedMethod): MethodDefinition<Request, Response> {
  const request = codec<Request>(generated.requestType);
  const response = codec<Response>(generated.responseType);
  return {
    path: generated.path,
    requestStream: generated.requestStream ?? false,
    responseStream: generated.responseStream ?? false,
    requestSerialize: (message) => serialize(request, message),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (message) => serialize(response, message),
    responseDeserialize: (bytes) => response.decode(bytes),
  };
}

function codec<T>(name: string): Codec<T> {
  return (havip.v1 as unknown as Record<string, Codec<T>>)[name] as Codec<T>;
}

/** protobufjs returns a view of its pool as a Uint8Array; grpc-js calls Buffer's methods on it. */
function serialize<T>(messages: Codec<T>, message: T): Buffer {
  const bytes = messages.encode(message).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const generated = v1.Havip.prototype;

export const SERVICE = {
  listHavips: method<v1.ListHavipsRequest.$Properties, v1.HavipPage.$Properties>(generated.listHavips),
  watchHavips: method<v1.ListHavipsRequest.$Properties, v1.HavipNews.$Properties>(generated.watchHavips),
  listPorts: method<v1.ListPortsRequest.$Properties, v1.PortPage.$Properties>(generated.listPorts),
  watchPorts: method<v1.ListPortsRequest.$Properties, v1.PortNews.$Properties>(generated.watchPorts),
  events: method<v1.EventsRequest.$Properties, v1.EventBatch.$Properties>(generated.events),
  getDaemon: method<v1.GetDaemonRequest.$Properties, v1.Daemon.$Properties>(generated.getDaemon),
  listDossiers: method<v1.ListDossiersRequest.$Properties, v1.DossierPage.$Properties>(
    generated.listDossiers,
  ),
  reload: method<v1.ReloadRequest.$Properties, v1.ReloadReply.$Properties>(generated.reload),
  addHavip: method<v1.AddHavipRequest.$Properties, v1.HavipName.$Properties>(generated.addHavip),
  removeHavip: method<v1.HavipName.$Properties, v1.HavipName.$Properties>(generated.removeHavip),
  setMembers: method<v1.SetMembersRequest.$Properties, v1.HavipName.$Properties>(generated.setMembers),
  addEip: method<v1.AddEipRequest.$Properties, v1.EipName.$Properties>(generated.addEip),
  removeEip: method<v1.EipName.$Properties, v1.EipName.$Properties>(generated.removeEip),
  clearFlapping: method<v1.HavipName.$Properties, v1.ClearFlappingReply.$Properties>(generated.clearFlapping),
  trace: method<v1.TraceRequest.$Properties, v1.TraceReply.$Properties>(generated.trace),
} as const;

/** grpc-js's name for a Unix socket. */
export const target = (socket: string): string => `unix:${socket}`;
