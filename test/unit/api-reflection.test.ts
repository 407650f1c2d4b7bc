// SPDX-License-Identifier: BSD-2-Clause
// What a client that knows nothing learns by reflection, over the socket: the service, its methods, and a message with
// its field numbers; and that all of it is what the .proto file says.
import { Client, credentials } from '@grpc/grpc-js';
import test from 'ava';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { SERVICE, target } from '../../src/api/service.js';
import { FakeSource } from './api-source.js';
import { serve } from './api-server.js';

/** The part of grpc/reflection/v1/reflection.proto that is asked here. */
const { root } = protobuf.parse(`syntax = "proto3"; package r;
  message Request { string file_containing_symbol = 4; string list_services = 7; }
  message Files { repeated bytes file_descriptor_proto = 1; }
  message Service { string name = 1; }
  message Services { repeated Service service = 1; }
  message Response { Files file_descriptor_response = 4; Services list_services_response = 6; }`);
const [Request, Response] = [root.lookupType('r.Request'), root.lookupType('r.Response')];

interface Named {
  name: string;
}

/** What is looked at of a FileDescriptorProto. */
interface File {
  package: string;
  service: { method: Named[] }[];
  messageType: (Named & { field: (Named & { number: number; proto3Optional: boolean })[] })[];
}

interface Told {
  fileDescriptorResponse?: { fileDescriptorProto: Uint8Array[] };
  listServicesResponse?: { service: { name: string }[] };
}

for (const version of ['v1', 'v1alpha']) {
  test(`reflection ${version} tells service, methods and messages`, async (t) => {
    const { socket } = await serve(t, new FakeSource());
    const client = new Client(target(socket), credentials.createInsecure());
    t.teardown(() => client.close());
    const ask = (question: object): Promise<Told> =>
      new Promise((resolve, reject) => {
        const call = client.makeBidiStreamRequest(
          `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
          (message: object) => Buffer.from(Request.encode(message).finish()),
          (bytes) => Response.decode(bytes) as unknown as Told,
        );
        call.on('data', resolve).on('error', reject);
        call.write(question);
        call.end();
      });

    const { listServicesResponse } = await ask({ listServices: '*' });
    t.deepEqual(
      listServicesResponse?.service.map(({ name }) => name),
      ['havip.v1.Havip'],
    );
    const { fileDescriptorResponse } = await ask({ fileContainingSymbol: 'havip.v1.Havip' });
    const [bytes] = fileDescriptorResponse?.fileDescriptorProto ?? [];
    const file = descriptor.FileDescriptorProto.decode(bytes as Uint8Array) as unknown as File;
    t.is(file.package, 'havip.v1');
    t.deepEqual(
      file.service?.[0]?.method?.map(({ name }) => `/havip.v1.Havip/${name}`).sort(),
      Object.values(SERVICE)
        .map(({ path }) => path)
        .sort(),
    );
    const event = file.messageType.find(({ name }) => name === 'Event');
    const repoint = event?.field.find(({ name }) => name === 'repoint_ns');
    t.like(repoint, { number: 12, proto3Optional: true });
  });
}
