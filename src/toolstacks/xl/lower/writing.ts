/** The cfg that an operation writes beside the one that stands there, for people to compare: no password is in either. */
import { isVmOp } from '../../../kinds/operations.ts';
import type { Op } from '../../../kinds/plan.ts';
import type { ServerSeen } from '../../../kinds/server/live.ts';
import type { CfgSide, CfgWriting, Peers } from '../../../kinds/toolstack.ts';
import type { CfgDraft } from '../../../kinds/vm/ops.ts';
import { withShortMarker } from '../cfg/marker.ts';
import { renderWith, withoutMarker } from '../cfg/render.ts';
import { coveredCfg } from '../read/mask.ts';
import { replaced } from './cfg.ts';
import type { Unsupported } from './lowering.ts';

const side = (server: string, path: string, text: string): CfgSide => ({
  server,
  path,
  text: withShortMarker(coveredCfg(text)),
});

/** A password that the file names by reference is not asked for: it is covered all the same. Asterisks would be a kept one. */
const unasked = { get: () => 'unasked' };

const drafted = (draft: CfgDraft, server: string, seen: ServerSeen, peers: Peers): CfgWriting | Unsupported => {
  const { path, marker, config, keptOn } = draft;
  const standing = replaced(draft, { seen, peers });
  const text = renderWith(marker, config, unasked, standing);
  if (!text.ok) return { unsupported: `${path} cannot be written: ${text.why}` };
  const isThere = keptOn !== undefined && standing !== undefined && peers.get(keptOn)?.records.includes(standing);
  return {
    from: standing === undefined ? null : side(isThere ? keptOn : server, standing.path, standing.text),
    to: side(server, path, text.text),
  };
};

export const writing = (op: Op, seen: ServerSeen, peers: Peers = new Map()): CfgWriting | Unsupported | null => {
  if (!isVmOp(op)) return null;
  if (op.verb === 'define' || (op.verb === 'restart' && op.write)) return drafted(op.record, op.server, seen, peers);
  if (op.verb !== 'release') return null;
  const { server, path } = op;
  const record = seen.records.find((r) => r.path === path);
  if (record === undefined) return null;
  return { from: side(server, path, record.text), to: side(server, path, withoutMarker(record.text)) };
};
