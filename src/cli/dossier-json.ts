// SPDX-License-Identifier: BSD-2-Clause
// A dossier for scripts: every stamp in monotonic ns, the announcement also as a time of day.
import type { Dossier } from '../holders/dossier.js';
import { rfc3339, type Json } from './json.js';

export function dossierObject(dossier: Dossier): Json {
  const { announcedWallNs, stamps, vrrp, stages, from, to, ...rest } = dossier;
  return {
    ...rest,
    time: rfc3339(announcedWallNs),
    from: from && { ...from },
    to: { ...to },
    stamps: { ...stamps },
    vrrp: vrrp && { ...vrrp },
    stages: stages.map((stage) => ({ ...stage })),
  };
}
