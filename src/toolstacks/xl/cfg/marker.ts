/** The comment that heads every cfg Reeve keeps: whose VM it is and what was last applied, as one line of JSON. */
import type { Marker } from '../../../kinds/vm/live.ts';

const head = '# reeve: ';

/** Two lines: one for Reeve, one for people. JSON has no raw newline, so it cannot leave its comment. */
export const markerLines = (marker: Marker): string =>
  `${head}${JSON.stringify(marker)}\n# Kept by Reeve; edits made here are found and shown as drift.\n`;

const isMap = (x: unknown): x is Readonly<Record<string, unknown>> =>
  typeof x === 'object' && x !== null && !Array.isArray(x);

const isMarker = (x: unknown): x is Marker =>
  isMap(x) &&
  ['farm', 'vm', 'uuid', 'home', 'by'].every((k) => typeof x[k] === 'string') &&
  Number.isSafeInteger(x['generation']) &&
  (x['origin'] === 'created' || x['origin'] === 'adopted') &&
  typeof x['protect'] === 'boolean' &&
  isMap(x['macs']) &&
  Object.values(x['macs']).every((m) => typeof m === 'string') &&
  isMap(x['applied']);

/** The marker at the very top of a cfg; null where there is none, and where it is not the VM's own (a copied file). */
export const readMarker = (cfg: string, uuid: string | null): Marker | null => {
  if (!cfg.startsWith(head)) return null;
  const end = cfg.indexOf('\n');
  try {
    const marker: unknown = JSON.parse(cfg.slice(head.length, end < 0 ? undefined : end));
    return isMarker(marker) && marker.uuid === uuid ? marker : null;
  } catch {
    return null;
  }
};
