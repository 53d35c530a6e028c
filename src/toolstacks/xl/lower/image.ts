/** What fetches a template or an ISO (beside its name, renamed once its sha256 is right) and what removes one. */
import type { Condition, Filling, Lowered, Step } from '../../../core/step.ts';
import type { ImageOp } from '../../../kinds/image/ops.ts';
import { hiddenQuery, isLocal } from '../../../kinds/image/spec.ts';
import { imagesFolder, type ImageMarker } from '../../../kinds/repository/live.ts';
import type { ServerSeen } from '../../../kinds/server/live.ts';
import type { Secrets } from '../../../kinds/toolstack.ts';
import { queryName } from '../../../kinds/written.ts';
import { exec, quickMs } from './domain-steps.ts';
import { halfFile, halfFolder, keptFolder, published, removeFileArgv, removeHalfArgv } from './half.ts';
import type { Unsupported } from './lowering.ts';
import { markerSuffix } from '../read/storage.ts';

type Of<Verb extends ImageOp['verb']> = Extract<ImageOp, { readonly verb: Verb }>;

/** A day: what takes longer is broken off, and the next run goes on from there. */
const fetchMs = 86_400_000;
/** A hundred GiB from a slow disk. */
const sumMs = 7_200_000;

/** `-nv` says nothing of a connection that broke. */
const wgetExits = {
  4: 'the connection broke, or nobody answered; what came is kept for the next try',
  5: 'the certificate of the server is not good',
  6: 'it asks for a password',
} as const;

/** `-c` goes on behind the bytes that are there. */
const fetchArgv = (from: readonly string[], path: string): readonly string[] => [
  'wget',
  '-nv',
  '-c',
  '-T',
  '60',
  '-t',
  '5',
  '-O',
  path,
  ...from,
];

/** What its server says of it: the length in the last answer, since the ones before lead elsewhere. */
const lengthOf = (from: readonly string[]): NonNullable<Filling['whole']> => ({
  argv: ['wget', '-nv', '-S', '--spider', '-T', '20', '-t', '1', ...from],
  pattern: 'http/[0-9.]+ 2[0-9]{2}[^]*?content-length: *([0-9]+)',
  deadlineMs: 60_000,
});

const text = (path: string, content: string, mode = 0o644): Step => ({
  do: 'write',
  path,
  bytes: new TextEncoder().encode(content),
  mode,
  onlyIf: 'any',
});

const attached = ({ repository, folder, farm }: ImageOp): readonly Condition[] =>
  repository === null ? [] : [{ is: 'store', path: folder, farm, repository, uuid: null }];

/** The marker comes before the image has its name: there is none without one. */
const fetch = (op: Of<'fetch-image'>, { storage }: ServerSeen, secrets: Secrets): Lowered | Unsupported => {
  const { path, folder, farm, name: image, what, sha256, source } = op;
  const half = halfFile(path);
  const hidden = source.endsWith(hiddenQuery);
  const query = hidden ? secrets.get(queryName(op)) : '';
  if (query === undefined) return { unsupported: `the query of ${source} has no value` };
  // What runs shows its arguments to everybody there.
  const list = `${halfFolder(path)}/url`;
  const from = hidden ? ['-i', list] : [source];
  const store = storage.stores[folder];
  const room = store?.is === 'there' && store.space ? store.space.free * 1024 : undefined;
  const filling = { room, half: { place: path, clear: removeHalfArgv(path) } };
  const sums = `${halfFolder(path)}/sha256`;
  const marker: ImageMarker = { format: 1, farm, image, what, sha256: sha256 ?? '' };
  const checked: readonly Step[] =
    sha256 === null
      ? []
      : [
          text(sums, `${sha256}  ${half}\n`),
          // To go on from wrong bytes would never end well.
          { ...exec(['sha256sum', '-c', sums], sumMs), undo: removeHalfArgv(path) },
        ];
  return {
    before: [...attached(op), { is: 'no-path', path }],
    steps: [
      exec(['mkdir', '-p', imagesFolder(folder)]),
      keptFolder(path),
      ...(hidden ? [text(list, `${source.slice(0, -hiddenQuery.length)}${query}\n`, 0o600)] : []),
      isLocal(source)
        ? { do: 'upload', from: source, path: half, ...filling }
        : {
            ...exec(fetchArgv(from, half), fetchMs),
            ...(hidden ? { undo: ['rm', '-f', list] } : {}),
            fills: { path: half, ...filling, whole: lengthOf(from) },
            exits: wgetExits,
          },
      ...(hidden ? [exec(['rm', '-f', list])] : []),
      ...checked,
      text(`${path}${markerSuffix}`, `${JSON.stringify(marker)}\n`),
      exec(['rm', '-f', sums]),
      published(path),
    ],
    after: [{ is: 'path', path }],
    afterMs: quickMs,
  };
};

const removeArgv = ({ path }: ImageOp): readonly string[] => removeFileArgv(path, `${path}${markerSuffix}`);

export const lowerImage = (op: ImageOp, seen: ServerSeen, secrets: Secrets): Lowered | Unsupported =>
  op.verb === 'fetch-image'
    ? fetch(op, seen, secrets)
    : {
        before: [...attached(op), { is: 'unused', path: op.path }],
        steps: [exec(removeArgv(op))],
        after: [{ is: 'no-path', path: op.path }],
        afterMs: quickMs,
      };

/** For the plan's reader. */
export const imageLines = (op: ImageOp): readonly (readonly string[])[] =>
  op.verb === 'fetch-image'
    ? [
        isLocal(op.source) ? ['upload', op.source, op.path] : fetchArgv([op.source], op.path),
        ...(op.sha256 === null ? [] : [['sha256sum', '-c', op.sha256]]),
        ['write', `${op.path}${markerSuffix}`],
      ]
    : [removeArgv(op)];
