//! `tiller-guard releases list`.

use std::io::{self, BufWriter, Write as _};

use clap::{Args, ValueEnum};

use super::super::Exit;
use super::super::reach::{connect_patiently, on_runtime};
use super::place::{PlaceArguments, error, kubernetes_minor, namespace_in};
use super::{files, table};
use crate::cluster::{Cluster, releases};
use crate::manifest::to_yaml;
use crate::releases::{Inventory, Listing, Storage, examine};

/// List the releases that Tiller has recorded, and what is wrong with their records
///
/// Exit with 1 if something is wrong, and with 4 if the cluster does not let you list all of them
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// List the releases of all Tillers
    #[arg(long, short = 'A', conflicts_with_all = ["namespace", "files"])]
    all_namespaces: bool,

    /// List every revision, and deleted releases too
    #[arg(long)]
    all: bool,

    /// The Kubernetes that is to serve the releases' objects, such as 1.36 [default: the cluster's; with -f none]
    #[arg(long, value_name = "VERSION", value_parser = kubernetes_minor)]
    kubernetes: Option<u16>,

    /// The output's format
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    output: Format,

    #[command(flatten)]
    place: PlaceArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// The same with sizes and problems of each release
    Wide,
    /// For programs
    Json,
    /// For programs
    Yaml,
}

/// Lists.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        place,
        all_namespaces,
        all,
        kubernetes,
        output,
    } = arguments;
    if place.files.is_empty() {
        return on_runtime(in_cluster(place, all_namespaces, all, kubernetes, output));
    }
    let mut inventory = Inventory::default();
    let unread = files::records(&place.files, |record| {
        inventory.add(examine(&record, kubernetes));
    });
    for unread in &unread {
        error(unread)?;
    }
    if !unread.is_empty() && inventory.records() == 0 {
        return Ok(Exit::Unreadable);
    }
    let exit = print(&inventory.listing(all), output)?;
    Ok(if unread.is_empty() {
        exit
    } else {
        Exit::Unreadable
    })
}

async fn in_cluster(
    place: PlaceArguments,
    all_namespaces: bool,
    all: bool,
    kubernetes: Option<u16>,
    output: Format,
) -> anyhow::Result<Exit> {
    let cluster = match connect_patiently(place.reach).await? {
        Ok(cluster) => cluster,
        Err(exit) => return Ok(exit),
    };
    let namespace = namespace_in(&cluster, place.namespace.as_deref());
    let namespace = (!all_namespaces).then_some(namespace.as_str());
    let minor = kubernetes.unwrap_or_else(|| cluster.version().known_minor());
    let mut inventory = Inventory::default();
    let mut is_whole = true;
    for storage in Storage::ALL {
        let listed = releases::list(
            &cluster,
            storage,
            namespace,
            move |record| examine(&record, Some(minor)),
            |examined| inventory.add(examined),
        );
        if let Err(unlisted) = listed.await {
            is_whole = false;
            let unlisted = anyhow::Error::new(unlisted);
            error(format_args!("{unlisted:#}"))?;
        }
    }
    if let (Some(namespace), 0, true) = (namespace, inventory.records(), is_whole)
        && let Err(absent) = releases::check_namespace(&cluster, namespace).await
    {
        is_whole = false;
        error(absent)?;
    }
    look_at_helm3(&cluster, all_namespaces, &mut inventory).await?;
    let is_for_people = matches!(output, Format::Table | Format::Wide);
    if !is_whole && inventory.records() == 0 && is_for_people {
        // Whether there is any is not known.
        return Ok(Exit::Unreachable);
    }
    let exit = print(&inventory.listing(all), output)?;
    Ok(if is_whole { exit } else { Exit::Unreachable })
}

/// Looks which of the releases Helm 3 has too. What may not be read is said, and no error.
async fn look_at_helm3(
    cluster: &Cluster,
    all_namespaces: bool,
    inventory: &mut Inventory,
) -> anyhow::Result<()> {
    let namespaces = inventory.namespaces();
    let places: Vec<_> = if namespaces.is_empty() {
        Vec::new()
    } else if all_namespaces {
        vec![None]
    } else {
        namespaces.iter().map(|it| Some(it.as_str())).collect()
    };
    for place in places {
        match releases::of_helm3(cluster, place).await {
            Ok(found) => inventory.add_of_helm3(found),
            Err(unlisted) => writeln!(
                io::stderr(),
                "note: whether Helm 3 has these releases too is unknown: {:#}",
                anyhow::Error::new(unlisted)
            )?,
        }
    }
    Ok(())
}

fn print(listing: &Listing, output: Format) -> anyhow::Result<Exit> {
    let mut out = BufWriter::new(io::stdout().lock());
    match output {
        Format::Table | Format::Wide => table::write(listing, output == Format::Wide, &mut out)?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, listing)?;
            out.write_all(b"\n")?;
        }
        Format::Yaml => out.write_all(to_yaml(&serde_json::to_value(listing)?).as_bytes())?,
    }
    out.flush()?;
    Ok(if listing.problems.is_empty() {
        Exit::Clean
    } else {
        Exit::Findings
    })
}
