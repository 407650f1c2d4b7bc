// SPDX-License-Identifier: BSD-2-Clause
// The daemon and its ports <-> protobuf messages.
import type { HistoryHealth } from '../history/writer.js';
import type { AbsentRecord, ConfigRecord, PortRecord } from '../observe/messages.js';
import { havip } from './havip.gen.js';
import type { DaemonStatus, PortNews } from './types.js';
import { decoded, fromWire64, toWire64 } from './wire.js';
import v1 = havip.v1;

export function toWireDaemon(daemon: DaemonStatus): v1.Daemon.$Properties {
  const { startedWallNs, metricsAddress, webAddress, ports, absent, config, conflicts, history, ...rest } =
    daemon;
  return {
    ...rest,
    startedWallNs: toWire64(startedWallNs),
    metricsAddress: metricsAddress ?? '',
    webAddress: webAddress ?? '',
    ports: ports.map(toWirePort),
    absent: [...absent],
    config: config && toWireConfig(config),
    conflicts: [...conflicts],
    history: history ? { ...history, failure: history.failure ?? '' } : null,
  };
}

function toWireConfig(config: ConfigRecord): v1.Configuration.$Properties {
  const { stale, path, loadedWallNs, problems } = config;
  return { stale, path: path ?? '', loadedWallNs: toWire64(loadedWallNs), problems: [...problems] };
}

export function fromWireDaemon(message: v1.Daemon.$Properties): DaemonStatus {
  const { pid, version, startedWallNs, abi, pinPath, metricsAddress, webAddress } = decoded(message);
  const { ports, absent, capacity, conflicts } = decoded(message);
  return {
    pid,
    version,
    startedWallNs: fromWire64(startedWallNs),
    abi,
    pinPath,
    metricsAddress: metricsAddress || null,
    webAddress: webAddress || null,
    ports: ports.map(fromWirePort),
    absent: absent.map(fromWireAbsent),
    config: message.config ? fromWireConfig(message.config) : null,
    capacity: { havips: capacity.havips ?? 0, ports: capacity.ports ?? 0 },
    conflicts,
    ...(message.history && { history: fromWireHistory(message.history) }),
  };
}

function fromWireHistory(message: v1.HistoryHealth.$Properties): HistoryHealth {
  const { path, failure, lost } = decoded(message);
  return { path, failure: failure || null, lost: Number(fromWire64(lost)) };
}

export const toWirePort = (port: PortRecord): v1.Port.$Properties => ({
  ...port,
  failure: port.failure ?? '',
});

export function toWirePortNews({ ports, gone, snapshotOver }: PortNews): v1.PortNews.$Properties {
  return { ports: ports.map(toWirePort), gone: [...gone], snapshotOver };
}

export function fromWirePortNews(message: v1.PortNews.$Properties): PortNews {
  const { ports, gone, snapshotOver } = decoded(message);
  return { ports: ports.map(fromWirePort), gone, snapshotOver };
}

export function fromWirePort(message: v1.Port.$Properties): PortRecord {
  const { slot, name, bridge, kind, hook, up, takesXdp, failure } = decoded(message);
  const words = { kind: kind as PortRecord['kind'], hook: hook as PortRecord['hook'] };
  return { slot, name, bridge, ...words, up, takesXdp, failure: failure || null };
}

function fromWireAbsent(message: v1.Absent.$Properties): AbsentRecord {
  const { kind, name } = decoded(message);
  return { kind: kind as AbsentRecord['kind'], name };
}

function fromWireConfig(message: v1.Configuration.$Properties): ConfigRecord {
  const { stale, path, loadedWallNs, problems } = decoded(message);
  return { stale, path: path || null, loadedWallNs: fromWire64(loadedWallNs), problems };
}
