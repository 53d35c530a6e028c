/** Raw answers of servers, saved in one file and read back: a `Reader` that needs no server. */
import { brief, briefly, isObject as isMap, parseJson } from '../core/json.ts';
import { isUnknown, type Reader, type Unknown } from '../core/port.ts';
import { visible } from '../core/visible.ts';
import { unknown } from './unknown.ts';

export const snapshotFormat = 'reeve-snapshot/1';

/** What one server answered to one reading, byte by byte, and the word that frames it; or why it did not. */
export type SnapshotServer =
  | {
      readonly nonce: string;
      /** What it was asked to look for. */
      readonly paths: readonly string[];
      /** Base64. */
      readonly answer: string;
    }
  | { readonly unread: Unknown };

export interface Snapshot {
  readonly format: typeof snapshotFormat;
  /** Reeve's version. */
  readonly tool: string;
  /** ISO 8601. */
  readonly at: string;
  readonly farm: string;
  readonly servers: Readonly<Record<string, SnapshotServer>>;
}

/** JSON with a newline at its end. */
export const snapshotJson = (snapshot: Snapshot): string => `${visible(JSON.stringify(snapshot, null, 2))}\n`;

const isText = (v: unknown): v is string => typeof v === 'string';
const isHelp = (v: unknown): boolean => v === undefined || isText(v);
const isBase64 = (v: unknown): v is string => isText(v) && v.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(v);

/** What is wrong with one server's part, or null. */
const wrongServer = (v: unknown): string | null => {
  if (!isMap(v)) return 'it is no map';
  if ('unread' in v) {
    const u = v['unread'];
    return isMap(u) && isUnknown(u) && isText(u.why) && isText(u.reason) && isHelp(u.help)
      ? null
      : '`unread` does not say why';
  }
  if (!isText(v['nonce']) || !/^[0-9A-Za-z]+$/.test(v['nonce'])) return '`nonce` is no word';
  if (!Array.isArray(v['paths']) || !v['paths'].every(isText)) return '`paths` is no list of texts';
  return isBase64(v['answer']) ? null : '`answer` is not whole Base64';
};

/** A snapshot, or what is wrong with it in one sentence. */
export const parseSnapshot = (text: string): Snapshot | string => {
  const read = parseJson(text);
  if (!read.ok) return `it ${read.why}`;
  const v = read.value;
  const format = isMap(v) ? v['format'] : undefined;
  if (!isMap(v) || !isText(format)) return 'it is no snapshot of Reeve: it has no format';
  if (format !== snapshotFormat)
    return `it has the format ${brief(format)}; this version of Reeve reads ${snapshotFormat}`;
  for (const key of ['tool', 'at', 'farm']) if (!isText(v[key])) return `\`${key}\` is no text`;
  const servers = v['servers'];
  if (!isMap(servers)) return '`servers` is no map';
  for (const [name, server] of Object.entries(servers)) {
    const wrong = wrongServer(server);
    if (wrong !== null) return `server ${briefly(name, 60)}: ${wrong}`;
  }
  return v as unknown as Snapshot;
};

/** Answers as the servers of the snapshot did. One that it lacks is unread. */
export const openReplay = (snapshot: Snapshot): Reader =>
  Object.freeze({
    read: async (name, program) => {
      const server = Object.hasOwn(snapshot.servers, name) ? snapshot.servers[name] : undefined;
      if (server === undefined)
        return unknown(
          'unreachable',
          `${name} is not in the snapshot`,
          `Take a new one with \`reeve snapshot\`: it was added to the file since ${snapshot.at}.`,
        );
      if ('unread' in server) return server.unread;
      const decoded = program.decode(Buffer.from(server.answer, 'base64'), server.nonce);
      return isUnknown(decoded) ? { ...decoded, why: `${name}, in the snapshot: ${decoded.why}` } : decoded;
    },
    close: async () => {},
  } satisfies Reader);
