// Node that resolves the Service of the Sentinels as a cluster does: to any of them (RESOLVE: name, addresses).
const dns = require("dns");

const lookup = dns.lookup;
const [service, ...addresses] = process.env.RESOLVE.split(" ");
dns.lookup = (host, ...rest) =>
  lookup(host === service ? addresses[Math.floor(Math.random() * addresses.length)] : host, ...rest);
