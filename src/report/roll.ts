/** A roll as a person reads it before it begins: each server's turn, what is refused, and what all of it costs. */
import type { Move, RollPlan, RollTurn } from '../kinds/roll-plan.ts';
import { clean, colors, count, hang, time, type Colors } from './text.ts';

export interface RollTextOptions {
  readonly color: boolean;
  readonly width: number;
  readonly pool: string;
  /** The command of `--run`, and whether servers are rebooted; null: none. */
  readonly run: string | null;
  readonly reboot: boolean;
  readonly home: boolean;
  /** Servers that have had their turn. */
  readonly done: readonly string[];
}

/** Two-space JSON with a newline at its end. */
export const rollJson = (
  plan: RollPlan,
  more: { readonly tool: string; readonly farm: string; readonly pool: string },
): string => `${JSON.stringify({ format: 'reeve-roll/1', ...more, ...plan }, null, 2)}\n`;

const beside: Readonly<Record<Move['how'], string>> = {
  live: '',
  restart: ' (restarted)',
  suspend: ' (suspended on the way)',
};

const moveText = ({ vm, to, how }: Move): string => `${clean(vm)} → ${clean(to)}${beside[how]}`;

/** What is done to a server, with its name and address filled in as far as they are known here. */
const treatment = (o: RollTextOptions): string =>
  [...(o.run === null ? [] : [clean(o.run)]), ...(o.reboot ? ['reboot'] : [])].join(', then ');

const turnLines = (t: RollTurn, o: RollTextOptions, paint: Colors): readonly string[] => {
  const row = (head: string, text: string): readonly string[] =>
    hang(`  ${head.padEnd(8)}`, text, '          ', o.width);
  return [
    paint.bold(clean(t.server)),
    ...(t.leaves.length === 0 && t.refused.length > 0
      ? []
      : row('leaves', t.leaves.map(moveText).join(', ') || 'nobody has to')),
    ...t.refused.flatMap((r) => [
      ...row('refused', `${clean(r.what)}: ${clean(r.why)} (${r.code})`),
      ...(r.help === null ? [] : row('help', clean(r.help))),
    ]),
    ...(t.rides.length === 0
      ? []
      : row('rides', `${t.rides.map(clean).join(', ')}: shut down now, started again once the server is back`)),
    ...row('treat', treatment(o)),
    ...(o.home ? row('home', t.returns.map(moveText).join(', ') || 'nobody is away') : []),
  ];
};

const section = (title: string, lines: readonly string[], paint: Colors): readonly string[] =>
  lines.length === 0 ? [] : ['', paint.bold(title), ...lines];

const total = ({ turns, cost, least }: RollPlan): string => {
  const moves = cost.migrations + cost.restarts;
  const quality = moves <= least ? 'the fewest possible' : `lower bound ${least}`;
  const riding = turns.flatMap((t) => t.rides);
  const parts = [
    `${count(cost.migrations, 'live migration')}${cost.restarts > 0 ? ` and ${count(cost.restarts, 'restart')}` : ''} (${quality})`,
    ...(cost.downtimeMs > 0 ? [`VMs stand still for about ${time(cost.downtimeMs)} in all`] : []),
    ...(riding.length > 0
      ? [
          `${riding.map(clean).join(', ')} ${riding.length === 1 ? 'is' : 'are'} down while ${riding.length === 1 ? 'its server is' : 'their servers are'} treated`,
        ]
      : []),
  ];
  return `Roll: ${count(turns.length, 'server')}; ${parts.join('; ')}.`;
};

/** Nothing is begun then. */
export const refuses = (plan: RollPlan): boolean => plan.turns.some((t) => t.refused.length > 0);

/** Ends in a newline. */
export const renderRoll = (plan: RollPlan, o: RollTextOptions): string => {
  const paint = colors(o.color);
  const done =
    o.done.length === 0
      ? []
      : hang(
          '',
          `${o.done.map(clean).join(', ')} had ${o.done.length === 1 ? 'its' : 'their'} turn already.`,
          '',
          o.width,
        );
  const lines = [
    ...done,
    ...plan.turns.flatMap((t) => [...turnLines(t, o, paint), '']),
    ...section(
      'Warnings',
      plan.warnings.flatMap((w) => hang(`  ${paint.yellow('!')} `, clean(w), '    ', o.width)),
      paint,
    ).slice(1),
    ...(plan.warnings.length > 0 ? [''] : []),
    ...hang('', total(plan), '  ', o.width),
    ...(refuses(plan) ? [paint.yellow('Not begun while anything is refused.')] : []),
  ];
  return `${lines.join('\n')}\n`;
};
