#include "helper_shelf.h"

#include "helper_recipe.h"

#include <check.h>
#include <string.h>

static const char training[] = "id,age,fare,sex,alive,note,y\n"
                               "x,10,1.5,male,true,7,a\n"
                               "x,0,2.25,female,false,7,b\n"
                               "x,40,2.5,male,true,7,a\n"
                               "x,20,-4,,false,7,b\n"
                               "x,10,,female,true,7,a\n";
static const char training_numbers[] = "a,b,c,y\n0,1.5,7,0.5\n1,2.5,300,1.5\n5,,8,2.75\n9,4,9,3\n";

struct shelf shelf;

void shelf_fill(void)
{
    shelf = (struct shelf){recipe_of_text(training, "y", TASK_AUTO),
                           recipe_of_text(training_numbers, "y", TASK_AUTO), 0};
    ck_assert_int_eq(recipe_column_of(shelf.mixed, "note")->encoding, ENCODING_IGNORE);
}

void shelf_clear(void)
{
    recipe_free(shelf.mixed);
    recipe_free(shelf.numbers);
}

const struct recipe *shelf_find(void *self, const char *name, uint32_t version, struct err *err)
{
    struct shelf *from = self;

    from->n_finds++;
    if (name && strcmp(name, "numbers") == 0)
        return version == 2 ? from->mixed : from->numbers;
    if (!name || strcmp(name, "mixed") == 0)
        return from->mixed;
    err_set(err, ERR_NOT_FOUND, "no model '%s'", name);
    return NULL;
}

bool shelf_json(const char *bytes, size_t n, struct head_url url, bool later, struct instances *instances,
                struct err *err)
{
    const struct instances_models models = {shelf_find, &shelf};
    struct json_head head;
    bool ok =
        head_read(&head, bytes, n, url, err) && instances_from_json(&head, &models, later, instances, err);

    head_done(&head);
    return ok;
}
