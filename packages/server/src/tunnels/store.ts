import type { Sql, Transaction } from '../base/index.ts';

/** An open tunnel of a process. */
export interface HeldTunnel {
  readonly tunnelId: string;
  /** Identifies one connection of the worker. */
  readonly holder: string;
}

/** The process of a tunnel. */
export interface TunnelPlace {
  readonly tunnelId: string;
  /** `http://host:port`; empty when there is only one process. */
  readonly address: string;
}

const idsOf = (tunnels: readonly HeldTunnel[]): string[] => tunnels.map(({ tunnelId }) => tunnelId);
const holdersOf = (tunnels: readonly HeldTunnel[]): string[] => tunnels.map(({ holder }) => holder);

/** Records the process of tunnels, in place of earlier ones. Each tunnel appears once. */
export const upsertTunnels = async (
  tx: Transaction,
  tunnels: readonly (HeldTunnel & TunnelPlace)[],
  expires: Date,
): Promise<void> => {
  await tx`
    insert into tunnels (tunnel_id, holder, address, expires)
    select tunnel_id, holder, address, ${expires}
      from unnest(${idsOf(tunnels)}::text[], ${holdersOf(tunnels)}::text[],
                  ${tunnels.map(({ address }) => address)}::text[]) as given(tunnel_id, holder, address)
     order by tunnel_id collate "C"
    on conflict (tunnel_id) do update
       set holder = excluded.holder, address = excluded.address, expires = excluded.expires`;
};

/** Prolongs those of these tunnels that no other process has taken over. */
export const prolongTunnels = async (
  tx: Transaction,
  tunnels: readonly (HeldTunnel & TunnelPlace)[],
  expires: Date,
): Promise<void> => {
  await tx`
    insert into tunnels as old (tunnel_id, holder, address, expires)
    select tunnel_id, holder, address, ${expires}
      from unnest(${idsOf(tunnels)}::text[], ${holdersOf(tunnels)}::text[],
                  ${tunnels.map(({ address }) => address)}::text[]) as given(tunnel_id, holder, address)
     order by tunnel_id collate "C"
    on conflict (tunnel_id) do update set expires = excluded.expires where old.holder = excluded.holder`;
};

/** Deletes those of these tunnels that no other process has taken over. */
export const deleteTunnels = async (tx: Transaction, tunnels: readonly HeldTunnel[]): Promise<void> => {
  await tx`
    with given as (
      select tunnel_id, holder
        from unnest(${idsOf(tunnels)}::text[], ${holdersOf(tunnels)}::text[]) as g(tunnel_id, holder))
    delete from tunnels t using given
     where t.tunnel_id = any(array[given.tunnel_id]) and t.holder = any(array[given.holder])`;
};

/** The processes of some tunnels. PostgreSQL 15 would take the index of their times for the better one. */
export const readPlaces = (sql: Sql, tunnelIds: readonly string[], now: Date): Promise<TunnelPlace[]> =>
  sql<TunnelPlace>`
    select tunnel_id, address from tunnels
     where tunnel_id = any(${[...tunnelIds]}::text[]) and (expires > ${now}) is true`;

/** Deletes tunnels whose workers have been disconnected for too long; returns how many. */
export const deleteExpired = async (db: Sql, now: Date, limit: number): Promise<number> => {
  const rows = await db`
    delete from tunnels where ctid = any(array(
      select ctid from tunnels where expires <= ${now} order by expires limit ${limit} for update skip locked))
    returning true as deleted`;
  return rows.length;
};
