// SPDX-License-Identifier: BSD-2-Clause
// Server reflection, so that grpcurl and its like need no .proto file of ours: they ask the daemon. What is told is made
// from the .proto file that lies beside this one when it is built.
import { readFileSync } from 'node:fs';
import type { Server } from '@grpc/grpc-js';
import type { IFileDescriptorProto } from 'protobufjs/ext/descriptor.js';

const PROTO = new URL('./havip.proto', import.meta.url);

/** What protobufjs/ext/descriptor adds to a root. */
interface Described {
  toDescriptor(edition: string): { readonly file: readonly IFileDescriptorProto[] };
}

/** v1 and v1alpha, for old clients. */
export async function addReflection(server: Server): Promise<void> {
  // Loaded by the worker alone: the command line asks without them.
  const [{ ReflectionService }, { default: protobuf }, { default: descriptor }] = await Promise.all([
    import('@grpc/reflection'),
    import('protobufjs'),
    import('protobufjs/ext/descriptor.js'),
  ]);
  const { root } = protobuf.parse(readFileSync(PROTO, 'utf8'), { keepCase: true });
  root.resolveAll();
  const { file } = (root as unknown as Described).toDescriptor('proto3');
  const fileDescriptorProtos = file.map((one) =>
    Buffer.from(descriptor.FileDescriptorProto.encode(one).finish()),
  );
  // It reads nothing else of a package definition.
  const described = { havip: { fileDescriptorProtos } } as unknown as ConstructorParameters<
    typeof ReflectionService
  >[0];
  new ReflectionService(described).addToServer(server);
}
