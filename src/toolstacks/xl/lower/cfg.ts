/** What writes, moves, links and removes cfgs. */
import { digestBytes } from '../../../core/digest.ts';
import type { Condition, Lowered, Step } from '../../../core/step.ts';
import type { ServerSeen } from '../../../kinds/server/live.ts';
import type { CfgRecord } from '../../../kinds/vm/live.ts';
import type { CfgDraft } from '../../../kinds/vm/ops.ts';
import { exec, gone, quickMs } from './domain-steps.ts';
import type { At, Of, Unsupported } from './lowering.ts';
import { bytesOf, renderWith, withoutMarker } from '../cfg/render.ts';
import { digestCfg } from '../read/mask.ts';
import { closed, sharedAmong } from './shared-volumes.ts';

/** Where a new cfg is tried before it is written to its place. */
export const checkPath = (uuid: string): string => `/run/reeve/check-${uuid}.cfg`;

/** Only root may read a cfg: it may hold passwords. */
export const written = (path: string, bytes: Uint8Array, onlyIf: string): Step => ({
  do: 'write',
  path,
  bytes,
  mode: 0o600,
  onlyIf,
});

/**
 * What the bytes at `path` must be for a step to replace them: those that stand there now, where they are what the plan saw. Else
 * the plan's own digest, which they have not, so that they are left alone.
 */
export const exactly = (path: string, digest: string, { records }: Pick<ServerSeen, 'records'>): string => {
  const record = records.find((r) => r.path === path);
  return record?.digest === digest ? record.exact : digest;
};

/** The cfg that `draft` replaces, as it stands there now, or the one that it comes from: what is kept is taken out of it. */
export const replaced = (
  { path, from, marker, keptOn, config: { name } }: CfgDraft,
  { seen, peers }: Pick<At, 'seen' | 'peers'>,
): CfgRecord | undefined => {
  const own = (records: readonly CfgRecord[]): CfgRecord | undefined =>
    records.find((r) => r.config?.uuid === marker.uuid);
  const { records } = seen;
  const there = peers.get(keptOn ?? '')?.records ?? [];
  // One that a person wrote need not have a UUID.
  const named = there.find((r) => r.config?.uuid === null && r.config.name === name);
  return own(there) ?? named ?? records.find((r) => r.path === (from?.path ?? path)) ?? own(records);
};

/** A draft as bytes, with what puts them in their place. */
interface Placing {
  readonly bytes: Uint8Array;
  readonly before: readonly Condition[];
  /** Writes the new cfg; then the one of an old name goes, so that a VM never has two for longer than that takes. */
  readonly steps: readonly Step[];
  readonly after: readonly Condition[];
}

export const placing = (draft: CfgDraft, at: At): Placing | Unsupported => {
  const { seen, secrets } = at;
  const { path, marker, config, replaces, from } = draft;
  const text = renderWith(marker, config, secrets, replaced(draft, at));
  if (!text.ok) return { unsupported: `${path} cannot be written: ${text.why}` };
  const bytes = new TextEncoder().encode(text.text);
  return {
    bytes,
    before: from ? [{ is: 'record', path: from.path, digest: from.digest }] : [],
    steps: [
      written(path, bytes, exactly(path, replaces, seen)),
      ...(from ? [{ do: 'remove', path: from.path, onlyIf: exactly(from.path, from.digest, seen) } as const] : []),
    ],
    after: [
      { is: 'record', path, digest: digestCfg(bytes) },
      ...(from ? [{ is: 'record', path: from.path, digest: 'absent' } as const] : []),
    ],
  };
};

export const define = (op: Of<'define'>, at: At): Lowered | Unsupported => {
  const placed = placing(op.record, at);
  if ('unsupported' in placed) return placed;
  const { domain } = at;
  const { path } = op.record;
  const handed = op.update && domain ? [exec(['xl', 'config-update', String(domain.domid), path])] : [];
  // It exits with 0 whatever comes of it.
  const given: readonly Condition[] = handed.map(() => ({
    is: 'given',
    uuid: op.uuid,
    digest: digestBytes(placed.bytes),
  }));
  return {
    before: placed.before,
    steps: [...placed.steps, ...handed],
    after: [...placed.after, ...given],
    afterMs: quickMs,
  };
};

/** In this order, so that there is always one that leads to the cfg. `rest`: the links that go. */
export const linkArgvs = ({
  path,
  on,
  link,
  links,
  via,
}: Pick<Of<'autostart'>, 'path' | 'on' | 'link' | 'links' | 'via'>): readonly (readonly string[])[] => [
  ...(on && via !== null ? [['ln', '-sfn', path, via]] : []),
  ...(on ? [['ln', '-sfn', via ?? path, link]] : []),
  ...links.filter((l) => !on || (l !== link && l !== via)).map((l) => ['rm', '-f', l]),
];

/** What must be so once the links are made. */
export const startedBy = ({
  path,
  link,
  via,
  links,
}: Pick<Of<'autostart'>, 'path' | 'link' | 'links' | 'via'>): Condition => ({
  is: 'autostart',
  path,
  link,
  via,
  gone: links.filter((l) => l !== link && l !== via),
});

export const autostart = (op: Of<'autostart'>): Lowered => ({
  before: [],
  steps: [
    ...(op.on ? [op.link, ...(op.via === null ? [] : [op.via])] : []).map((at) =>
      exec(['mkdir', '-p', at.slice(0, at.lastIndexOf('/'))]),
    ),
    ...linkArgvs(op).map((argv) => exec(argv)),
  ],
  after: [op.on ? startedBy(op) : { is: 'no-autostart', path: op.path }],
  afterMs: quickMs,
});

/** The settings stay as they are, to the byte. */
export const release = (op: Of<'release'>, { seen }: At): Lowered => {
  const { path, digest } = op;
  const record = seen.records.find((r) => r.path === path);
  // Where it is not the cfg that was seen, the condition says so.
  const bytes = record ? bytesOf(record, withoutMarker(record.text)) : new Uint8Array();
  return {
    before: [{ is: 'record', path, digest }],
    steps: [written(path, bytes, exactly(path, digest, seen))],
    after: [{ is: 'record', path, digest: digestCfg(bytes) }],
    afterMs: quickMs,
  };
};

export const undefine = (op: Of<'undefine' | 'forget'>, { seen }: At): Lowered => ({
  before: op.verb === 'forget' && op.beside ? [] : [gone(op.uuid)],
  steps: [
    ...(op.verb === 'forget' ? closed(sharedAmong(op.volumes, seen.storage)) : []),
    ...op.links.map((link) => exec(['rm', '-f', link])),
    { do: 'remove', path: op.path, onlyIf: exactly(op.path, op.digest, seen) },
  ],
  after: [{ is: 'record', path: op.path, digest: 'absent' }],
  afterMs: quickMs,
});
