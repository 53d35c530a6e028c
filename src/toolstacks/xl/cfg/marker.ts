/** The comment that heads every cfg Reeve keeps: whose VM it is and what was last applied, as one line of JSON. */
import { isObject, parseJson } from '../../../core/json.ts';
import { covered } from '../../../core/password.ts';
import { table } from '../../../core/table.ts';
import type { Marker } from '../../../kinds/vm/live.ts';

const head = '# reeve: ';

/** Two lines: one for Reeve, one for people. JSON has no raw newline, so it cannot leave its comment. */
export const markerLines = (marker: Marker): string =>
  `${head}${JSON.stringify(marker)}\n# Kept by Reeve; edits made here are found and shown as drift.\n`;

/** As people are shown it: the JSON is left out, so that every line keeps its number. */
export const withShortMarker = (text: string): string =>
  text.startsWith(head) ? text.replace(/^[^\n]*/, `${head}{…}`) : text;

const isText = (x: unknown): x is string => typeof x === 'string';
const isPlain = (x: unknown): boolean => x === null || ['string', 'number', 'boolean'].includes(typeof x);
const isPlainOrList = (x: unknown): boolean => isPlain(x) || (Array.isArray(x) && x.every(isPlainOrList));
const isMapOfPlain = (x: unknown): boolean => isObject(x) && Object.values(x).every(isPlainOrList);
/** A disk says how it was made or adopted, and what from. */
const isTree = (x: unknown): boolean => isPlainOrList(x) || (isObject(x) && Object.values(x).every(isTree));

/** Disks, drives and NICs are a map each; a password is a reference; all else is one value or a list. */
const isApplied = ([field, x]: readonly [string, unknown]): boolean => {
  if (['disks', 'cdrom', 'nics'].includes(field))
    return isObject(x) && Object.values(x).every((d) => isObject(d) && isTree(d));
  if (field.endsWith('.password')) return x === null || (isObject(x) && isText(x['secret']) && isMapOfPlain(x));
  return isPlainOrList(x);
};

const isWait = (x: unknown): boolean => isObject(x) && isText(x['domain']) && isTree(x['was']);

const isMarker = (x: unknown): x is Marker =>
  isObject(x) &&
  ['farm', 'vm', 'uuid', 'home', 'by'].every((k) => isText(x[k])) &&
  Number.isSafeInteger(x['generation']) &&
  (x['origin'] === 'created' || x['origin'] === 'adopted') &&
  typeof x['protect'] === 'boolean' &&
  isObject(x['macs']) &&
  Object.values(x['macs']).every(isText) &&
  isObject(x['applied']) &&
  Object.entries(x['applied']).every(isApplied) &&
  (x['left'] === undefined || (Array.isArray(x['left']) && x['left'].every(isText))) &&
  (x['waits'] === undefined || (isObject(x['waits']) && Object.values(x['waits']).every(isWait)));

/** An older one may remember a password within another value. */
const allCovered = <T>(x: T): T => {
  if (typeof x === 'string') return covered(x) as T;
  if (Array.isArray(x)) return x.map(allCovered) as T;
  return isObject(x) ? (table(Object.entries(x).map(([key, v]) => [key, allCovered(v)])) as T) : x;
};

/** The marker at the very top of a cfg; null where there is none, and where it is not the VM's own (a copied file). */
export const readMarker = (cfg: string, uuid: string | null): Marker | null => {
  if (!cfg.startsWith(head)) return null;
  const end = cfg.indexOf('\n');
  const read = parseJson(cfg.slice(head.length, end < 0 ? undefined : end));
  if (!read.ok || !isMarker(read.value) || read.value.uuid !== uuid) return null;
  const { applied, waits } = read.value;
  return { ...read.value, applied: allCovered(applied), ...(waits === undefined ? {} : { waits: allCovered(waits) }) };
};
