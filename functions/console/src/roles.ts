// The permissions that decide which pages and buttons a person sees. The API decides for itself.
import { RIGHTS, ROLES } from './api/roles';

export type Operation = keyof typeof RIGHTS;
type Role = (typeof ROLES)[number];

const isRole = (name: string): name is Role => ROLES.some((role) => role === name);

export function may(role: string, operation: Operation): boolean {
  return isRole(role) && RIGHTS[operation][role] !== 'no';
}

// True for roles that can see every tenant.
export function seesEveryTenant(role: string): boolean {
  return isRole(role) && RIGHTS['see executions and their steps'][role] === 'every tenant';
}

// The permission for the registry of tenants.
export const SEES_TENANTS: Operation = 'see, register and close tenants';
