/* The nearest of the names that there are. */
#include "base/near.h"

#include <stdio.h>
#include <string.h>

#define LETTERS_MAX 63
#define LIST_MAX 200 /* bytes of names that an error lists */

/* Ranks: synonyms lie between the same letters and the first edit. */
#define RANK_SAME 0
#define RANK_SYNONYM 1
#define RANK_EDIT 20
#define RANK_PART 90
#define RANK_NONE 100

/* What others call it (letters and digits alone), and what it is here: the
 * first of those that the place at hand knows. */
static const struct synonym {
    const char *theirs, *ours;
} synonyms[] = {
    /* Keras, scikit-learn, PyTorch: training */
    {"lr", "learning_rate"},
    {"eta", "learning_rate"},
    {"eta0", "learning_rate"},
    {"stepsize", "learning_rate"},
    {"learningrateinit", "learning_rate"},
    {"initiallearningrate", "learning_rate"},
    {"hiddenlayers", "layers"},
    {"hiddenlayersizes", "layers"},
    {"hiddensizes", "layers"},
    {"hiddenunits", "layers"},
    {"hiddendim", "layers"},
    {"hidden", "layers"},
    {"architecture", "layers"},
    {"neurons", "units layers"},
    {"nodes", "units layers"},
    {"size", "units limit layers"},
    {"units", "layers"},
    {"activation", "layers"},
    {"activationfunction", "activation layers"},
    {"dropout", "input_dropout layers"},
    {"dropoutrate", "dropout input_dropout"},
    {"batchnorm", "layer_norm layers"},
    {"layernormalization", "layer_norm layers"},
    {"layernorm", "layers"},
    {"nepochs", "epochs"},
    {"numepochs", "epochs"},
    {"nbepoch", "epochs"},
    {"maxepochs", "epochs"},
    {"maxiter", "epochs"},
    {"niter", "epochs"},
    {"iterations", "epochs"},
    {"niternochange", "patience early_stopping"},
    {"patience", "early_stopping"},
    {"mindelta", "early_stopping"},
    {"tol", "min_delta early_stopping"},
    {"monitor", "early_stopping"},
    {"restorebestweights", "restore_best early_stopping"},
    {"earlystop", "early_stopping"},
    {"minibatchsize", "batch_size"},
    {"minibatch", "batch_size"},
    {"batch", "batch_size"},
    {"bs", "batch_size"},
    {"alpha", "weight_decay"},
    {"wd", "weight_decay"},
    {"decay", "weight_decay schedule"},
    {"l1reg", "l1"},
    {"l2reg", "l2"},
    {"reg", "l2"},
    {"regularization", "l2"},
    {"kernelregularizer", "l2"},
    {"kernelconstraint", "max_norm"},
    {"solver", "optimizer"},
    {"optim", "optimizer"},
    {"momentum", "optimizer"},
    {"nesterov", "optimizer"},
    {"nesterovsmomentum", "nesterov optimizer"},
    {"beta1", "beta_1 optimizer"},
    {"beta2", "beta_2 optimizer"},
    {"eps", "epsilon optimizer"},
    {"epsilon", "optimizer"},
    {"rho", "optimizer"},
    {"amsgrad", "optimizer"},
    {"lrscheduler", "schedule"},
    {"lrschedule", "schedule"},
    {"scheduler", "schedule"},
    {"warmup", "schedule"},
    {"warmupepochs", "schedule"},
    {"clip", "clipnorm"},
    {"clipgrad", "clipnorm"},
    {"gradclip", "clipnorm"},
    {"gradientclipval", "clipnorm"},
    {"maxgradnorm", "global_clipnorm"},
    {"criterion", "loss"},
    {"lossfunction", "loss"},
    {"costfunction", "loss"},
    {"objective", "loss task"},
    {"problemtype", "task"},
    {"type", "task"},
    {"kernelinitializer", "init"},
    {"initializer", "init"},
    {"weightinit", "init"},
    {"std", "stddev"},
    {"randomstate", "seed"},
    {"randomseed", "seed"},
    {"rngseed", "seed"},
    {"validationfraction", "validation_split"},
    {"validationsize", "validation_split"},
    {"valsplit", "validation_split"},
    {"valfraction", "validation_split"},
    {"validationdata", "validation"},
    {"validationset", "validation"},
    {"valdata", "validation"},
    {"evalset", "validation"},
    {"testsize", "share test_split"},
    {"testfraction", "share test_split"},
    {"testdata", "test"},
    {"testset", "test"},
    {"classweights", "class_weight"},
    {"sampleweights", "sample_weight"},
    {"weightcolumn", "sample_weight"},
    {"data", "dataset instances rows"},
    {"trainingdata", "dataset"},
    {"traindata", "dataset"},
    {"table", "dataset"},
    {"file", "dataset"},
    {"label", "target title"},
    {"labels", "target label"},
    {"y", "target"},
    {"ycolumn", "target"},
    {"targetcolumn", "target"},
    {"labelcolumn", "target"},
    {"outcome", "target"},
    {"response", "target"},
    {"modelname", "model name"},
    {"savedas", "model"},
    {"drop", "ignore"},
    {"dropcolumns", "ignore"},
    {"exclude", "ignore"},
    {"ignoredcolumns", "ignore"},
    {"x", "features instances"},
    {"xcolumns", "features"},
    {"include", "features"},
    {"featurecolumns", "features"},
    {"usecols", "features columns"},
    {"preprocessing", "recipe"},
    {"transforms", "recipe"},
    {"encodings", "recipe"},
    {"warmstart", "from"},
    {"pretrained", "from"},
    {"basemodel", "from"},
    {"initfrom", "from"},
    {"resumefrom", "from"},
    {"nestimators", "members"},
    {"nmodels", "members"},
    {"ensemble", "members"},
    {"ensemblesize", "members"},
    {"augment", "augmentation"},
    {"dataaugmentation", "augmentation"},
    {"imagesize", "image"},
    {"imageshape", "image"},
    {"inputshape", "image"},
    {"timeout", "max_seconds"},
    {"timelimit", "max_seconds"},
    {"maxtime", "max_seconds"},
    {"timebudget", "max_seconds"},
    {"nice", "priority"},
    /* pandas, R, DuckDB: reading */
    {"sep", "separator"},
    {"delim", "separator"},
    {"delimiter", "separator"},
    {"quotechar", "quote"},
    {"decimalpoint", "decimal"},
    {"decimalseparator", "decimal"},
    {"dec", "decimal"},
    {"thousandsseparator", "thousands"},
    {"bigmark", "thousands"},
    {"charset", "encoding"},
    {"fileencoding", "encoding"},
    {"commentchar", "comment"},
    {"skip", "title_lines offset"},
    {"skiprows", "title_lines"},
    {"skiplines", "title_lines"},
    {"navalues", "na"},
    {"nastrings", "na"},
    {"nullstr", "na"},
    {"nullvalues", "na"},
    {"missing", "na"},
    {"names", "columns"},
    {"colnames", "columns"},
    {"columnnames", "columns"},
    {"dtype", "types"},
    {"dtypes", "types"},
    {"coltypes", "types"},
    {"columntypes", "types"},
    {"schema", "types"},
    {"onbadlines", "on_bad_row"},
    {"errorbadlines", "on_bad_row"},
    {"ignoreerrors", "on_bad_row"},
    {"hasheader", "header"},
    {"headerrow", "header"},
    {"overwrite", "replace"},
    {"force", "replace"},
    /* pages, rows and names */
    {"perpage", "limit"},
    {"pagesize", "limit"},
    {"count", "limit"},
    {"max", "limit"},
    {"n", "limit"},
    {"top", "limit"},
    {"start", "offset"},
    {"page", "offset before after"},
    {"cursor", "before after offset"},
    {"since", "after"},
    {"ids", "index"},
    {"rows", "index instances"},
    {"orderby", "sort"},
    {"sortby", "sort"},
    {"order", "sort"},
    {"class", "label"},
    {"truth", "label"},
    {"prediction", "guess"},
    {"predicted", "guess"},
    {"v", "version"},
    {"ver", "version"},
    {"modelversion", "version"},
    {"inputs", "instances"},
    {"input", "instances"},
    {"samples", "instances"},
    {"records", "instances rows"},
    {"instances", "rows"},
    {"drawing", "strokes"},
    {"fraction", "share"},
    {"ratio", "share"},
    {"stratifyby", "stratify"},
    {"newname", "name"},
    {"rename", "name"},
    {"promote", "promoted"},
    {"description", "title"},
};
#define N_SYNONYMS (sizeof synonyms / sizeof *synonyms)

struct letters {
    char text[LETTERS_MAX + 1];
    size_t n;
};

/* Letters and digits alone, small: batchSize, batch-size and batch_size are
 * the same. */
static void letters_take(struct letters *letters, const char *name, size_t n)
{
    letters->n = 0;
    for (size_t i = 0; i < n && letters->n < LETTERS_MAX; i++) {
        char c = name[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != '_' && c != '-' && c != '.' && c != ' ')
            letters->text[letters->n++] = c;
    }
    letters->text[letters->n] = 0;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters are to be put in, left out, replaced or exchanged with the
 * next one (optimal string alignment). */
static unsigned edit_distance(const struct letters *a, const struct letters *b)
{
    unsigned rows[3][LETTERS_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b->n; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a->n; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b->n; j++) {
            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + (a->text[i - 1] != b->text[j - 1]));
            if (i > 1 && j > 1 && a->text[i - 1] == b->text[j - 2] && a->text[i - 2] == b->text[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        unsigned *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[b->n];
}

/* Its place among the words from 0; RANK_NONE: it is none of them. */
static unsigned words_place(const char *words, const char *word, size_t n)
{
    for (unsigned place = 0; *words; place++) {
        size_t length = strcspn(words, " ");
        if (length == n && !memcmp(words, word, n))
            return place;
        words += length + (words[length] == ' ');
    }
    return RANK_NONE;
}

static unsigned synonym_rank(const struct letters *name, const char *known, size_t n)
{
    unsigned rank = RANK_NONE;
    for (size_t i = 0; i < N_SYNONYMS; i++)
        if (!strcmp(synonyms[i].theirs, name->text))
            rank = least(rank, RANK_SYNONYM + words_place(synonyms[i].ours, known, n));
    return rank;
}

static unsigned rank_of(const char *name, const char *known, size_t n)
{
    struct letters theirs, ours;
    letters_take(&theirs, name, strlen(name));
    letters_take(&ours, known, n);
    if (theirs.n == ours.n && !memcmp(theirs.text, ours.text, ours.n))
        return RANK_SAME;
    unsigned rank = synonym_rank(&theirs, known, n);
    if (rank < RANK_NONE)
        return rank;
    unsigned distance = edit_distance(&theirs, &ours);
    if (distance <= (theirs.n < 3 ? 0 : theirs.n < 6 ? 1 : theirs.n / 3))
        return RANK_EDIT + distance;
    return theirs.n >= 4 && strstr(ours.text, theirs.text) ? RANK_PART : RANK_NONE;
}

void near_init(struct near *near, const char *name)
{
    *near = (struct near){.name = name, .rank = RANK_NONE};
}

void near_offer(struct near *near, const char *known, size_t n)
{
    unsigned rank = rank_of(near->name, known, n);
    if (rank >= near->rank)
        return;
    near->rank = rank;
    near->best = known;
    near->n_best = n;
}

void near_offer_words(struct near *near, const char *words)
{
    while (*words) {
        size_t n = strcspn(words, " ");
        near_offer(near, words, n);
        words += n + (words[n] == ' ');
    }
}

bool words_have(const char *words, const char *name)
{
    return words_place(words, name, strlen(name)) < RANK_NONE;
}

bool near_unknown(const struct near *near, const char *what, const char *expected, struct err *err)
{
    if (near->best)
        err_set(err, ERR_INPUT, "unknown %s \"%.60s\" (did you mean \"%.*s\"?): expected %s", what,
                near->name, (int)near->n_best, near->best, expected);
    else
        err_set(err, ERR_INPUT, "unknown %s \"%.60s\": expected %s", what, near->name, expected);
    return err_field(err, near->name);
}

bool words_unknown(const char *words, const char *what, const char *name, struct err *err)
{
    struct near near;
    char list[2 * LIST_MAX + 1]; /* each blank may become two characters */
    size_t n = 0;
    near_init(&near, name);
    near_offer_words(&near, words);
    if (!*words)
        return near_unknown(&near, what, "none", err);
    if (strlen(words) > LIST_MAX)
        return near_unknown(&near, what, "one that GET /openapi.json lists", err);
    for (const char *c = words; *c; c++) {
        if (*c == ' ')
            list[n++] = ',';
        list[n++] = *c;
    }
    list[n] = 0;
    return near_unknown(&near, what, list, err);
}
