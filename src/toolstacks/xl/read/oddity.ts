/** One answer as a whole: parts that are lost, and parts that do not agree. Pure. */
import type { Unknown } from '../../../core/port.ts';
import { isVolumeGroup } from '../../../kinds/repository/live.ts';
import { latin1, printed } from './bytes.ts';
import { contradiction, lostSection, type Asked, type Told } from './consistency.ts';
import type { Section } from './frames.ts';
import { parseMounts } from './storage.ts';
import { toldIn } from './told.ts';

const unknown = (why: string, help?: string): Unknown => ({
  is: 'unknown',
  reason: 'contradictory',
  why,
  ...(help === undefined ? {} : { help }),
});

/** What was said of each store that is a folder, by its path. */
const storesTold = (asked: readonly string[], section: Section | undefined): ReadonlyMap<string, readonly string[]> => {
  const told = toldIn(section?.bytes ?? new Uint8Array());
  const folders = asked.filter((p) => p.endsWith('/') && !isVolumeGroup(p));
  return new Map(folders.map((path, i) => [path.slice(0, -1), told.get(i + 1) ?? []]));
};

/** A line of the paths that is none; one that was killed may end within a line. */
const strayIn = (section: Section | undefined): string | null =>
  section?.rc === 0
    ? (latin1(section.bytes)
        .split('\n')
        .find((l) => l !== '' && !/^\d{1,6}[ +]/.test(l)) ?? null)
    : null;

/** What speaks against the answer as a whole. */
export const oddity = (
  sections: ReadonlyMap<string, Section>,
  asked: Asked,
  { rows, xs, userdata, scheduler }: Pick<Told, 'rows' | 'xs' | 'userdata'> & { readonly scheduler: string },
): Unknown | null => {
  const lost = lostSection(sections, asked, isVolumeGroup);
  if (lost !== null) return unknown(`the answer has no part ${lost}`);
  const host = printed(sections.get('host')?.bytes ?? new Uint8Array()).split('\n');
  if (host[0] === '' || !/^[0-9A-Za-z-]+$/.test(host[1] ?? ''))
    return unknown('the answer has no host name or no boot id');
  const text = (name: string): string | null => {
    const section = sections.get(name);
    return section?.rc === 0 ? printed(section.bytes) : null;
  };
  const listed = text(scheduler === 'credit' ? 'xl-credit' : 'xl-sched');
  const scheds =
    /^credit2?$/.test(scheduler) && listed !== null
      ? `${listed}\n${text('xl-credit') ?? ''}\n${text('xl-sched') ?? ''}`
      : null;
  const mounts = asked.paths.length > 0 ? parseMounts(text('mounts') ?? '') : null;
  const why = contradiction({
    mounts: mounts && mounts.map((m) => m.path),
    stores: storesTold(asked.paths, sections.get('paths')),
    strayLine: asked.paths.length > 0 ? strayIn(sections.get('paths')) : null,
    noLinks: text('link')?.trim() === '',
    rows,
    xs,
    userdata,
    vcpus: text('xl-vcpus'),
    scheds,
  });
  return why === null
    ? null
    : unknown(
        `its answer contradicts itself: ${why}`,
        'run it again; where it stays so, compare xl list with xenstore-ls -f /local/domain on the server',
      );
};
