/** Whether a condition holds in one server's answer, and where it does not, why: in words that a failed operation shows. */
import { formatSize } from '../../core/quantity.ts';
import type { Condition } from '../../core/step.ts';
import { featuresLost, featureText } from '../vm/cpu.ts';
import { settingOf } from '../vm/fields.ts';
import type { Domain } from '../vm/live.ts';
import { called, hasBridge, hasCd, hasDisk, hasNic, hasNoDisk, hasNoNic } from './holds-devices.ts';
import { astray } from '../repository/owner.ts';
import { runsVcpus, tookMemory } from './holds-resources.ts';
import { isKept } from './holds-records.ts';
import { isBooked, isFolder, isMounted, isOwned, isStore, isStored, isUnleased, isUnmarked } from './holds-storage.ts';
import { sameMembership } from './identity.ts';
import { imageNamed, runsType, type ServerSeen } from './live.ts';
import { usersOn } from './users.ts';
import { sendTrouble, takeTrouble } from './owner-key.ts';

type DomainState = Extract<Condition, { is: 'domain' }>['state'];

const saysOf: Readonly<Record<Domain['state'], string>> = {
  running: 'is running',
  paused: 'is paused',
  shutdown: 'has shut down and waits to be cleared away',
  crashed: 'has crashed',
  dying: 'is being taken down',
};

const ended: readonly Domain['state'][] = ['shutdown', 'crashed'];

const wantsOf: Readonly<Record<Exclude<DomainState, 'gone' | 'down' | 'over'>, readonly Domain['state'][]>> = {
  up: ['running', 'paused'],
  running: ['running'],
  paused: ['paused'],
  ended,
};

const lacksOf: Readonly<Record<'missing' | 'unknown', string>> = {
  missing: 'is not on the server',
  unknown: 'could not be looked at: the server took too long over it (a dead NFS server?)',
};

/** Xen prints all CPUs of the server as `all`. */
const cpuList = (list: string, { cpus }: ServerSeen): string =>
  list === (cpus === 1 ? '0' : `0-${cpus - 1}`) ? 'all' : list;

/** True, or why not. */
export const holds = (condition: Condition, seen: ServerSeen): true | string => {
  const ofVm = (uuid: string, check: (d: Domain) => true | string): true | string => {
    const domain = seen.domains.find((d) => d.uuid === uuid);
    return domain ? check(domain) : `no domain has the UUID ${uuid}`;
  };
  switch (condition.is) {
    case 'domain': {
      const { uuid, state } = condition;
      if (state === 'gone' || state === 'down' || state === 'over') {
        const domain = seen.domains.find((d) => d.uuid === uuid);
        if (!domain || (state !== 'gone' && ended.includes(domain.state))) return true;
        if (state === 'over' && domain.state === 'dying') return true;
        return `${called(domain)} is still there: it ${saysOf[domain.state]}`;
      }
      return ofVm(uuid, (d) => wantsOf[state].includes(d.state) || `${called(d)} ${saysOf[d.state]}`);
    }
    case 'at-rest': {
      if (seen.underWay === null) return 'nobody can tell whether something moves it: the processes could not be read';
      const moves = seen.underWay?.find((u) => u.uuid === condition.uuid);
      return moves ? `${moves.doing} still moves it` : true;
    }
    case 'name-free': {
      const other = seen.domains.find((d) => d.name === condition.name && d.uuid !== condition.uuid);
      return other === undefined || `the name is taken: ${called(other)} has the UUID ${other.uuid}`;
    }
    case 'unsaved': {
      const file = imageNamed(condition.name, seen);
      return file === null || `its memory lies in ${file}, and it would boot beside that`;
    }
    case 'memory':
      return ofVm(condition.uuid, (d) => tookMemory(condition, d));
    case 'vcpus':
      return ofVm(condition.uuid, (d) => runsVcpus(condition, d));
    case 'sched':
      return ofVm(condition.uuid, (d) => {
        const weight = settingOf(d.settings, 'sched.weight');
        const cap = settingOf(d.settings, 'sched.cap');
        if (weight !== condition.weight) return `the weight of ${called(d)} is ${weight}, not ${condition.weight}`;
        return cap === condition.cap || `the cap of ${called(d)} is ${cap}, not ${condition.cap}`;
      });
    case 'affinity':
      return ofVm(condition.uuid, (d) => {
        for (const [what, key] of [
          ['affinity', 'hard'],
          ['soft affinity', 'soft'],
        ] as const) {
          const is = settingOf(d.settings, `affinity.${key}`);
          const wanted = condition[key];
          if (cpuList(is, seen) !== cpuList(wanted, seen)) return `the ${what} of ${called(d)} is ${is}, not ${wanted}`;
        }
        return true;
      });
    case 'cpupool':
      return ofVm(condition.uuid, (d) => {
        const pool = settingOf(d.settings, 'cpupool');
        return pool === condition.pool || `${called(d)} is in cpupool ${pool}, not in ${condition.pool}`;
      });
    case 'named':
      return ofVm(condition.uuid, (d) => d.name === condition.name || `${called(d)} is not called ${condition.name}`);
    case 'qemu':
      return ofVm(
        condition.uuid,
        (d) => d.qemu || `${called(d)} runs without a QEMU, which it can be given at a start only`,
      );
    case 'disk':
      return ofVm(condition.uuid, (d) => hasDisk(condition, d));
    case 'no-disk':
      return ofVm(condition.uuid, (d) => hasNoDisk(condition, d));
    case 'cd':
      return ofVm(condition.uuid, (d) => hasCd(condition, d));
    case 'nic':
      return ofVm(condition.uuid, (d) => hasNic(condition, d, seen));
    case 'no-nic':
      return ofVm(condition.uuid, (d) => hasNoNic(condition, d));
    case 'runs': {
      const { type } = condition;
      return runsType(type, seen) || `the server runs no ${type} guests (virt_caps: ${seen.xen.virtCaps.join(' ')})`;
    }
    case 'features': {
      const lost = featuresLost(condition.names, seen.features);
      return lost.length === 0 || `the server's CPU is without ${featureText(lost)}, which the VM may use`;
    }
    case 'has-qemu':
      return seen.qemu !== false || 'the server has no QEMU for Xen (Debian: qemu-system-xen)';
    case 'has-cpupool': {
      const { cpupools } = seen;
      const there = cpupools.length === 0 || cpupools.includes(condition.name);
      return there || `the server has no cpupool ${condition.name}; it has ${cpupools.join(', ')}`;
    }
    case 'bridge':
      return hasBridge(condition, seen) || `the server has no bridge ${condition.name}`;
    case 'path': {
      const found = seen.paths[condition.path];
      if (found === undefined) return `${condition.path} was not looked at`;
      return found === 'there' || `${condition.path} ${lacksOf[found]}`;
    }
    case 'unused': {
      const { goes } = condition;
      const runs = seen.domains.some((d) => d.uuid === goes);
      const who = usersOn('', seen)
        .of(condition.path)
        .find((u) => runs || u.uuid === null || u.uuid !== goes);
      return who === undefined || `${who.name} has ${condition.path}`;
    }
    case 'no-path': {
      const found = seen.paths[condition.path];
      if (found === undefined) return `${condition.path} was not looked at`;
      return found === 'missing' || `${condition.path} ${found === 'there' ? 'is there already' : lacksOf.unknown}`;
    }
    case 'mounted':
      return isMounted(condition, seen.storage);
    case 'folder':
      return isFolder(condition, seen.storage);
    case 'store':
      return isStore(condition, seen.storage);
    case 'unmarked':
      return isUnmarked(condition, seen.storage);
    case 'stored':
      return isStored(condition, seen.storage);
    case 'owned':
      return isOwned(condition, seen.storage);
    case 'within': {
      const link = astray(condition.path, condition.folder, seen.special);
      return link === null || `${link} is a link or a device, and may lead out of ${condition.folder}`;
    }
    case 'booked':
      return isBooked(condition, seen.storage);
    case 'record':
    case 'autostart':
    case 'no-autostart':
      return isKept(condition, seen);
    case 'given':
      return ofVm(
        condition.uuid,
        (d) => d.pendingUpdate === condition.digest || `${called(d)} was not given the new cfg for its next reboot`,
      );
    case 'no-lease':
      return isUnleased(condition, seen.storage);
    case 'sends': {
      const { alias, hostKey } = condition;
      if (!seen.migration?.key) return 'the server has no key for migrations';
      const known = seen.migration.hosts[alias];
      if (known === undefined) return `the server does not know the host key of ${alias}`;
      return known === hostKey || `the server knows another host key of ${alias}`;
    }
    case 'member': {
      const { is: _, server: _asked, name, ...pool } = condition;
      const found = seen.membership?.value ?? null;
      if (found === null || found === 'odd') return 'the server remembers no pool';
      if (sameMembership(found, { format: 1, server: name, ...pool })) return true;
      const own = found.server === undefined ? '' : ` as ${found.server}`;
      return `the server remembers pool ${found.pool} of farm ${found.farm}${own}: ${found.members.join(', ')}`;
    }
    case 'no-member':
      return seen.membership === null || 'the server still remembers its pool';
    case 'sends-as': {
      const trouble = sendTrouble(seen, condition.key, condition.address, condition.hostKey);
      return trouble === null || `the server cannot migrate with the owner's key: ${trouble.why}`;
    }
    case 'receives': {
      const { key, owner } = condition;
      const takes = owner ? takeTrouble(seen, key) === null : seen.migration?.admits.includes(key) === true;
      return takes || 'the server does not take migrations from there';
    }
    case 'no-keys': {
      const { of } = condition;
      const { key, files, ours } = seen.migration ?? { key: null, files: { hosts: null }, ours: [] };
      const left = ours.filter((p) => of === null || of.includes(p));
      if (left.length > 0) return `the server still takes migrations from ${left.join(', ')}`;
      const own = of === null && (key !== null || files.hosts !== null);
      return !own || 'the server still has a key that Reeve made for migrations';
    }
    case 'room': {
      const free = seen.memory.free + seen.memory.reclaimable;
      return (
        free >= condition.kib ||
        `the server has ${formatSize(free)} of memory free; ${formatSize(condition.kib)} are needed`
      );
    }
  }
};
