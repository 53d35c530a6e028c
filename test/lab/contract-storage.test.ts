/** The contract of storage on a real dom0, which mounts its own export. */
import { storageContract } from '../contract/storage-law.ts';
import { openStorage } from './contract-farm.ts';

storageContract('a real dom0', openStorage);
